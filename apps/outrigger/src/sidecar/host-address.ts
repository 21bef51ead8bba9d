import { createSocket } from "node:dgram";
import { isIPv4 } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { OutriggerError } from "@outrigger/core";

/** Addresses of documentation ranges (RFC 5737, RFC 3849): connecting a UDP socket sends nothing. */
const probeTargets = [
  { family: "udp4", address: "192.0.2.1" },
  { family: "udp6", address: "2001:db8::1" },
] as const;

/**
 * The address that peers are told to dial, chosen as Dapr does (`utils/host.go`): `DAPR_HOST_IP`,
 * else the source address of a route to the outside, else the best interface address.
 * A machine with loopback only gets `127.0.0.1`, where Dapr refuses to start.
 * @param listenAddress of the internal server; a loopback one is what peers can reach.
 */
export async function hostAddress(
  env: Readonly<Record<string, string | undefined>>,
  listenAddress: string,
): Promise<string> {
  if (listenAddress === "127.0.0.1" || listenAddress === "localhost") return "127.0.0.1";
  if (listenAddress === "[::1]") return "::1";
  const configured = env.DAPR_HOST_IP;
  if (configured) return configured;
  for (const target of probeTargets) {
    const source = await routeSource(target.family, target.address);
    if (source !== undefined && !isClat(source)) return source;
  }
  return bestAddress(Object.values(networkInterfaces()).flatMap((list) => list ?? []));
}

function routeSource(family: "udp4" | "udp6", address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(family);
    const end = (result: string | undefined): void => {
      socket.close();
      resolve(result);
    };
    socket.once("error", () => end(undefined));
    socket.once("connect", () => end(socket.address().address));
    socket.connect(80, address);
  });
}

/** Client-side addresses of 464XLAT (RFC 7335) are not reachable by others. */
function isClat(address: string): boolean {
  return /^192\.0\.0\.[0-7]$/.test(address);
}

/** Best class wins, the first found on ties. */
export function bestAddress(interfaces: readonly NetworkInterfaceInfo[]): string {
  let best: string | undefined;
  let bestClass = Number.POSITIVE_INFINITY;
  let loopback = false;
  for (const { address, internal } of interfaces) {
    loopback ||= internal;
    if (internal || isClat(address)) continue;
    const rank = addressClass(address);
    if (rank >= bestClass) continue;
    best = address;
    bestClass = rank;
  }
  if (best !== undefined) return best;
  if (loopback) return "127.0.0.1";
  throw new OutriggerError(
    "failed to determine host address: could not determine host IP address",
    {
      code: "OTR_OPTIONS_INVALID",
    },
  );
}

/** Public IPv4, global IPv6, private IPv4, unique local IPv6, link-local. */
function addressClass(address: string): number {
  if (isIPv4(address)) {
    const [a = 0, b = 0] = address.split(".").map(Number);
    if (a === 169 && b === 254) return 99;
    const isPrivate =
      a === 10 ||
      (a === 172 && b >= 16 && b <= 31) ||
      (a === 192 && b === 168) ||
      (a === 100 && b >= 64 && b <= 127);
    return isPrivate ? 2 : 0;
  }
  const head = address.toLowerCase();
  if (/^fe[89ab]/.test(head)) return 99;
  return /^f[cd]/.test(head) ? 3 : 1;
}
