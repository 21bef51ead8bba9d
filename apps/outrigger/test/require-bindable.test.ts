import { describe, expect, test } from "vitest";
import { requireBindable } from "../src/sidecar/require-bindable.ts";

const ports = {
  httpPort: 3_500,
  grpcPort: 50_001,
  internalGrpcPort: undefined,
  publicPort: undefined,
};

describe("a port that cannot be bound is refused in Dapr's words", () => {
  test.each([
    [{ httpPort: -1 }, "failed to start HTTP server: could not listen on any endpoint"],
    [{ grpcPort: 70_000 }, "failed to start API gRPC server: could not listen on any endpoint"],
    [{ internalGrpcPort: 65_536 }, "failed to start internal gRPC server: "],
    [{ publicPort: -5 }, "failed to start public HTTP server: "],
  ])("%o", (wrong, text) => {
    expect(() => requireBindable({ ...ports, ...wrong })).toThrow(text);
  });
});

test("ports within the range are taken", () => {
  expect(() => requireBindable(ports)).not.toThrow();
  expect(() =>
    requireBindable({ ...ports, publicPort: 0, internalGrpcPort: 65_535 }),
  ).not.toThrow();
});
