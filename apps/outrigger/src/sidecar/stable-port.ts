import { createHash } from "node:crypto";
import { createServer } from "node:net";

/** First port of the range that Dapr draws stable internal ports from, and its size. */
const firstPort = 47_300;
const portCount = 18_235;

/** What makes an internal port stable across restarts. */
export interface StablePortInput {
  readonly appId: string;
  readonly cwd: string;
  readonly uid: number;
  readonly hostname: string;
}

/** The internal port that an app prefers (Dapr `pkg/ports/ports.go`): 47300 to 65534. */
export function preferredPort({ appId, cwd, uid, hostname }: StablePortInput): number {
  const hash = createHash("sha256").update(`${appId}|${cwd}|${uid}|${hostname}`).digest();
  const number = (hash[0] ?? 0) + 256 * (hash[1] ?? 0);
  return firstPort + (number % portCount);
}

/** The preferred port when it is free on localhost, otherwise 0: let the system choose. */
export async function stablePort(input: StablePortInput): Promise<number> {
  const port = preferredPort(input);
  return (await isFree(port)) ? port : 0;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "localhost", () => probe.close(() => resolve(true)));
  });
}
