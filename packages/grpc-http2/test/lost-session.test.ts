import { once } from "node:events";
import { createServer } from "node:http2";
import type { Socket } from "node:net";
import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import { afterEach, expect, test } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that begins an answer and is gone: its socket says farewell, or nothing at all. */
async function vanishing(how: (socket: Socket) => void): Promise<GrpcClient> {
  const server = createServer();
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
  });
  server.on("sessionError", () => undefined);
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.resume();
    stream.once("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(frameMessage(Buffer.from("begun")), () => {
        for (const socket of sockets) how(socket);
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const client = new GrpcClient({ host: "127.0.0.1", port });
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
  return client;
}

test.each([
  ["ends", (socket: Socket) => socket.destroy(), "EOF"],
  ["is reset", (socket: Socket) => socket.resetAndDestroy(), "read ECONNRESET"],
])("an answer whose connection %s is unavailable, not complete", async (_how, how, detail) => {
  const client = await vanishing(how);
  const response = await client.call({ path: "/a/b", headers: [], body: Buffer.alloc(5) });
  while ((await response.messages.read()) !== undefined);
  expect(response.status).toMatchObject({
    code: 14,
    message: `error reading from server: ${detail}`,
  });
});
