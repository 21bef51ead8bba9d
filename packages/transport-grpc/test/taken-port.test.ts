import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { testContext } from "@outrigger/conformance";
import type { Transport, TransportHandler } from "@outrigger/core";
import { type TransportGrpcOptions, transportGrpc } from "@outrigger/transport-grpc";
import { afterEach, expect, test } from "vitest";

const handler: TransportHandler = {
  receive: () => Promise.reject(new Error("not called")),
  proxy: () => Promise.reject(new Error("not called")),
};
const signal = new AbortController().signal;

let holder: Server | undefined;
let transport: Transport | undefined;
afterEach(async () => {
  await transport?.stop?.();
  holder?.close();
});

/** A transport that wants a port which somebody holds. */
async function onTakenPort(
  options: TransportGrpcOptions,
): Promise<{ transport: Transport; port: number; free: () => void }> {
  const server = createServer().listen(0, "127.0.0.1");
  holder = server;
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  transport = transportGrpc({ host: "127.0.0.1", port, ...options })(testContext());
  return { transport, port, free: () => server.close() };
}

test("a taken port is an error that names it", async () => {
  const { transport, port } = await onTakenPort({});
  await expect(transport.listen(handler, signal)).rejects.toMatchObject({
    code: "OTR_LISTEN_FAILED",
    message: expect.stringContaining(`${port}`),
  });
});

test("a port that is only preferred gives way to a free one", async () => {
  const { transport, port } = await onTakenPort({ fallbackToFreePort: true });
  const address = await transport.listen(handler, signal);
  expect(address.port).not.toBe(port);
  expect(address.port).toBeGreaterThan(0);
});

test("a port that becomes free in time is taken", async () => {
  const { transport, port, free } = await onTakenPort({ bindRetryMs: 10_000 });
  const listening = transport.listen(handler, signal);
  free();
  expect((await listening).port).toBe(port);
});
