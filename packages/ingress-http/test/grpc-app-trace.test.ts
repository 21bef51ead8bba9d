import { afterEach, expect, test } from "vitest";
import { appAnswer, get, type RunningIngress, startIngress } from "./ingress.ts";

let running: RunningIngress | undefined;
afterEach(async () => running?.ingress.stop?.());

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const binary = Buffer.from(`0000${traceId}0100f067aa0ba902b70201`, "hex").toString("base64");

test.each([0, 5])("a gRPC app's own trace is told with status %i", async (code) => {
  running = await startIngress({ traceContext: true });
  running.sidecar.answer = async () =>
    appAnswer({
      status: { code, message: "", details: [] },
      headers: ["content-type", "application/grpc", "grpc-trace-bin", binary],
    });

  const answer = await get(running.port, "/v1.0/invoke/orders/method/m");

  expect(answer.match(/^traceparent: .*$/gim)).toEqual([
    `Traceparent: 00-${traceId}-00f067aa0ba902b7-01`,
  ]);
});

test("a trace of a gRPC app that cannot be read leaves the sidecar's own", async () => {
  running = await startIngress({ traceContext: true });
  running.sidecar.answer = async () =>
    appAnswer({
      status: { code: 0, message: "", details: [] },
      headers: ["content-type", "application/grpc", "grpc-trace-bin", "AAAA"],
    });

  const answer = await get(running.port, "/v1.0/invoke/orders/method/m");

  expect(answer.match(/^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00/gim)).toHaveLength(1);
});
