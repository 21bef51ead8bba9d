import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { callGraph } from "@outrigger/call-graph";
import { expect, test } from "vitest";
import { answer, call } from "./calls.ts";

test("a call on a known edge leaves nothing behind", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { telemetry } = callGraph({ appId: "checkout" });
  const [request, response] = [call(), answer(200)];
  const run = (calls: number): void => {
    for (let made = 0; made < calls; made += 1) {
      const token = telemetry.started?.("caller", request);
      telemetry.finished?.(token, request, response, undefined);
    }
  };
  run(100_000);
  collect();
  const before = process.memoryUsage();
  run(200_000);
  collect();
  const after = process.memoryUsage();
  // 200,000 objects of any kind would take megabytes.
  expect(after.heapUsed - before.heapUsed).toBeLessThan(500_000);
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(100_000);
});
