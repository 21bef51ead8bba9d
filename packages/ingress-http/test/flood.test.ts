import { afterEach, expect } from "vitest";
import { testFloods } from "../../grpc-http2/test/floods.ts";
import { appAnswer, get, type RunningIngress, startIngress } from "./ingress.ts";

const running: RunningIngress[] = [];
afterEach(async () => {
  for (const { ingress } of running.splice(0)) await ingress.stop?.();
});

testFloods(
  "HTTP API over h2c",
  async () => {
    const started = await startIngress();
    running.push(started);
    const { port, sidecar } = started;
    sidecar.answer = async () => appAnswer({ body: Buffer.alloc(100_000, "a") });
    const path = "/v1.0/invoke/callee/method/m";
    return {
      port,
      head: [
        [":method", "POST"],
        [":scheme", "http"],
        [":path", path],
        [":authority", "a"],
      ],
      body: Buffer.from("hi"),
      serveOther: async () => expect(await get(port, path)).toMatch(/^HTTP\/1\.1 200 /),
    };
  },
  false,
);
