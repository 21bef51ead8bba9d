import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { type ExternalTargets, emptyBody, type InvokeRequest, silentLogger } from "@outrigger/core";
import { type EgressHttpOptions, egressHttp } from "@outrigger/egress-http";

const servers: Server[] = [];
const opened: ExternalTargets[] = [];

/** Releases what the tests opened. */
export async function releaseAll(): Promise<void> {
  for (const egress of opened.splice(0)) await egress.stop?.();
  for (const server of servers.splice(0)) server.close();
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

export function httpServer(listener: RequestListener): Promise<number> {
  return listen(createServer(listener));
}

export function open(options: EgressHttpOptions = {}): ExternalTargets {
  const egress = egressHttp(options)({
    appId: "orders",
    namespace: "default",
    log: silentLogger,
    now: Date.now,
    random: Math.random,
  });
  opened.push(egress);
  return egress;
}

export function callOf(parts: Partial<InvokeRequest> = {}): InvokeRequest {
  return {
    target: "site",
    method: "m",
    http: { verb: "GET", query: "" },
    origin: "http",
    metadata: [],
    contentType: "",
    typeUrl: "",
    body: emptyBody,
    bodyLength: 0,
    signal: new AbortController().signal,
    ...parts,
  };
}

export const site = { kind: "endpoint", name: "site" } as const;
