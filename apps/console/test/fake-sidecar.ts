import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** Something that answers where a sidecar should. */
export interface FakeSidecar {
  readonly address: string;
  close(): Promise<void>;
}

/** @param answer a JSON document, or a status. */
export async function fakeSidecar(
  answer: (headers: IncomingHttpHeaders, path: string) => object | number,
): Promise<FakeSidecar> {
  const server = createServer((request, response) => {
    const told = answer(request.headers, request.url ?? "");
    response.statusCode = typeof told === "number" ? told : 200;
    response.end(typeof told === "number" ? "" : JSON.stringify(told));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A call graph without calls. */
export function snapshot(appId: string): object {
  return {
    ...{ version: 1, appId, namespace: "default", at: 1_000, maxEdges: 10, overflowed: 0 },
    edges: [],
  };
}
