import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Files of a certificate authority and of what it issued. */
export interface Certificates {
  readonly ca: string;
  readonly agent: readonly [certificate: string, key: string];
  readonly client: readonly [certificate: string, key: string];
}

/** Makes them with the agent's own tool, so that they are what its users have. */
export function makeCertificates(consul: string, folder: string): Certificates {
  const tls = (...parameters: string[]) =>
    execFileSync(consul, ["tls", ...parameters], { cwd: folder, stdio: "pipe" });
  tls("ca", "create");
  tls("cert", "create", "-server", "-dc", "dc1");
  tls("cert", "create", "-client", "-dc", "dc1");
  const file = (name: string): string => join(folder, name);
  return {
    ca: file("consul-agent-ca.pem"),
    agent: [file("dc1-server-consul-0.pem"), file("dc1-server-consul-0-key.pem")],
    client: [file("dc1-client-consul-0.pem"), file("dc1-client-consul-0-key.pem")],
  };
}
