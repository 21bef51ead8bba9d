import type { Instance } from "@outrigger/core";

/** An instance on loopback; nobody listens there. */
export function instanceOf(appId: string, internalPort: number): Instance {
  const host = "127.0.0.1";
  const httpPort = internalPort + 10_000;
  return { appId, namespace: "default", host, internalPort, httpPort, appPort: 0 };
}
