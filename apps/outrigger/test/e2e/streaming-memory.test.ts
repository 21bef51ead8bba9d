import { freePorts } from "@outrigger/test-servers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Mesh, type SidecarProcess } from "./mesh.ts";
import { ProcessMemory } from "./process-memory.ts";
import { BulkGrpcApp, bulkCall, connectGrpc } from "./streaming-grpc.ts";
import { bulkApp, digestOf, download, type Framing, upload } from "./streaming-http.ts";

const bulkBytes = 100 * 1_024 * 1_024;
const warmUpBytes = 2 * 1_024 * 1_024;
/** What each sidecar may grow by, whatever passes through it. */
const limitMegabytes = 40;
const flags = ["--max-body-size", "200Mi"];

let mesh: Mesh;
beforeEach(() => {
  mesh = new Mesh();
});
afterEach(() => mesh.close());

/** Runs it small, for code and connections to be there, and then measures it at full size. */
async function expectBounded(
  sidecars: readonly SidecarProcess[],
  run: (bytes: number) => Promise<void>,
): Promise<void> {
  await run(warmUpBytes);
  const memories = sidecars.map(({ child }) => new ProcessMemory(child.pid ?? 0));
  for (const memory of memories) memory.reset();
  await run(bulkBytes);
  const grown = memories.map((memory) => memory.grownMegabytes);
  for (const megabytes of grown) expect(megabytes, `${grown}`).toBeLessThan(limitMegabytes);
}

test.for<[Framing, "up" | "down"]>([
  ["chunked", "up"],
  ["chunked", "down"],
  ["content-length", "up"],
  ["content-length", "down"],
])("memory stays while 100 MB go through HTTP, %s, %s", async ([framing, direction]) => {
  const app = await mesh.app(bulkApp);
  const callee = await mesh.sidecar("orders", { appPort: app.port, flags });
  const caller = await mesh.sidecar("checkout", { flags });
  const path = "/v1.0/invoke/orders/method";
  await expectBounded([caller, callee], async (bytes) => {
    if (direction === "up") {
      const { sent, received } = await upload(caller.httpPort, `${path}/sink`, bytes, framing);
      expect(received).toBe(sent);
    } else {
      const answer = await download(caller.httpPort, `${path}/${bytes}?${framing}`);
      expect(answer).toEqual({ status: 200, received: digestOf(bytes) });
    }
  });
});

test.for(["Up", "Down"] as const)(
  "memory stays while 100 MB go through gRPC, %s",
  async (method) => {
    const app = new BulkGrpcApp();
    await app.start();
    const [grpcPort = 0] = await freePorts(1);
    const protocol = ["--app-protocol", "grpc"];
    const callee = await mesh.sidecar("orders", { appPort: app.port, flags: protocol });
    const caller = await mesh.sidecar("checkout", { flags: ["--dapr-grpc-port", `${grpcPort}`] });
    const session = connectGrpc(grpcPort);
    try {
      await expectBounded([caller, callee], async (bytes) => {
        const answer = await bulkCall(session, "orders", method, bytes);
        const own = method === "Up" ? answer.sent : answer.received;
        expect(answer).toMatchObject({ status: "0", appDigest: own });
      });
    } finally {
      session.destroy();
      app.close();
    }
  },
);
