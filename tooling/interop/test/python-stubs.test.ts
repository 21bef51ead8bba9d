import { beforeAll, describe, expect, inject, test } from "vitest";
import { runPython } from "./processes.ts";

interface Said {
  readonly same: boolean;
  readonly seen: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
}

interface Report {
  readonly unary: Said;
  readonly gzip: Said;
  readonly deflate: Said;
  readonly serverStream: readonly string[];
  readonly clientStream: string;
  readonly bidi: readonly string[];
  readonly error: Readonly<Record<string, string>>;
  readonly deadline: Readonly<Record<string, string>>;
  readonly cancel: Readonly<Record<string, string>>;
}

const { caller, stubs } = inject("interop");

describe.for(["node-grpc", "py-grpc"])("grpcio stubs, proxied to %s", (appId) => {
  let report: Report | undefined;
  const result = (): Report => {
    if (report === undefined) throw new Error("the script did not end");
    return report;
  };
  beforeAll(async () => {
    const parameters = [`127.0.0.1:${caller.grpc}`, appId];
    report = (await runPython("stub_calls.py", parameters, { PYTHONPATH: stubs })) as Report;
  });

  test("unary, with metadata both ways and trailers", () => {
    expect(result().unary).toMatchObject({
      same: true,
      seen: { "x-user": "ann", "x-raw-bin": "0001feff" },
      headers: { "x-app": appId, "x-raw-bin": "0001feff" },
      trailers: { "x-trailer": "said" },
    });
  });

  test("compressed requests", () => {
    expect(result().gzip).toMatchObject({ same: true, headers: { "x-app": appId } });
    expect(result().deflate).toMatchObject({ same: true, headers: { "x-app": appId } });
  });

  test("server streaming", () => {
    expect(result().serverStream).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });

  test("client streaming", () => {
    expect(result().clientStream).toBe("a+b+c");
  });

  test("bidirectional streaming, in turns", () => {
    expect(result().bidi).toEqual(["A", "B", "C"]);
  });

  test("an error with details and a trailer", () => {
    expect(result().error).toEqual({
      code: "RESOURCE_EXHAUSTED",
      message: "no more: ü",
      reason: "QUOTA",
      trailer: "quota",
    });
  });

  test("a deadline ends the call in the app, too", () => {
    expect(result().deadline).toEqual({ code: "DEADLINE_EXCEEDED", app: "cancelled" });
  });

  test("so does a cancellation", () => {
    expect(result().cancel).toEqual({ code: "CANCELLED", app: "cancelled" });
  });
});
