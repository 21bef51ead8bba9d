import { once } from "node:events";
import { constants, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import { expect, test } from "vitest";

test.for([
  [constants.NGHTTP2_CANCEL, 1, "CANCEL"],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, 8, "ENHANCE_YOUR_CALM"],
  [constants.NGHTTP2_INTERNAL_ERROR, 13, "INTERNAL_ERROR"],
] as const)(
  "a peer's reset %i is status %i, not a lost connection",
  async ([reset, code, name]) => {
    const server = createServer();
    server.on("stream", (stream) => {
      stream.on("error", () => undefined);
      stream.close(reset);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = new GrpcClient({
      host: "127.0.0.1",
      port: (server.address() as AddressInfo).port,
    });
    try {
      const response = await client.call({
        path: "/shop.Orders/Place",
        headers: [],
        body: frameMessage(new Uint8Array(0)),
        signal: AbortSignal.timeout(5_000),
      });
      await response.messages.read();
      expect(response.status).toMatchObject({
        code,
        message: `stream terminated by RST_STREAM with error code: ${name}`,
      });
      expect(response.status?.origin).toBeUndefined();
    } finally {
      client.close();
      server.close();
    }
  },
);
