import {
  encodeTraceBin,
  grpcTrace,
  httpTrace,
  newTraceContext,
  parseTraceparent,
} from "@outrigger/protocol";
import { expect, test } from "vitest";

const real = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

test.each([0, 0.000_000_001, 0.5, 0.999_999_999])("ids made up from %d are valid", (random) => {
  expect(parseTraceparent(newTraceContext(() => random).traceparent)).toMatchObject({ flags: 0 });
});

test("a made-up context is no parent, in any form; a real one that is not sampled is", () => {
  for (let round = 0; round < 1_000; round++) {
    const { traceparent } = newTraceContext(Math.random);
    const span = parseTraceparent(traceparent);
    if (span === undefined) throw new Error(`not valid: ${traceparent}`);
    expect(httpTrace(["Traceparent", traceparent])).toBeUndefined();
    expect(grpcTrace(["traceparent", traceparent])).toBeUndefined();
    expect(grpcTrace(["grpc-trace-bin", encodeTraceBin(span)])).toBeUndefined();
  }
  expect(httpTrace(["traceparent", real])?.traceparent).toBe(real);
  expect(grpcTrace(["traceparent", real])?.traceparent).toBe(real);
});
