import { beforeAll, describe, expect, inject, test } from "vitest";
import { runPython } from "./processes.ts";
import { environmentOf } from "./sidecars.ts";

/** What one call of the script gave; an error has a code and a message. */
interface Outcome {
  readonly status?: number | null;
  readonly code?: string;
  readonly message?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly hex?: string;
  readonly text?: string;
}

interface Report {
  readonly calls: Readonly<Record<string, Outcome>>;
  readonly runtime: { readonly id: string; readonly extended: Readonly<Record<string, string>> };
  readonly message?: string;
}

const { caller } = inject("interop");
const verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"];

function runCalls(protocol: string): () => Report {
  let report: Report | undefined;
  beforeAll(async () => {
    const env = { ...environmentOf(caller), DAPR_API_METHOD_INVOCATION_PROTOCOL: protocol };
    report = (await runPython("sdk_calls.py", [], env)) as Report;
  });
  return () => {
    if (report === undefined) throw new Error("the script did not end");
    return report;
  };
}

function outcome(report: Report, name: string): Outcome {
  const found = report.calls[name];
  if (found === undefined) throw new Error(`no call ${name}`);
  return found;
}

function json(report: Report, name: string): Readonly<Record<string, unknown>> {
  const { text, ...rest } = outcome(report, name);
  if (text === undefined) throw new Error(`${name}: ${JSON.stringify(rest)}`);
  return JSON.parse(text);
}

describe("invoke_method over HTTP", () => {
  const report = runCalls("http");

  test("reaches plain HTTP apps, with verb, body, query and headers", () => {
    for (const appId of ["node-http", "py-http"]) {
      expect(json(report(), `${appId} text`)).toMatchObject({
        verb: "POST",
        body: "hello",
        query: expect.stringMatching(/^\??a=1&b=two(\+|%20)words$/),
        headers: { "x-correlation-id": "c-1", "content-type": "text/plain" },
      });
      expect(outcome(report(), `${appId} text`)).toMatchObject({
        status: 200,
        contentType: "application/json",
        headers: { "x-app": appId },
      });
      expect(json(report(), `${appId} json`)).toMatchObject({
        verb: "PUT",
        body: '{"n": 1}',
        headers: { "content-type": "application/json; charset=utf-8" },
      });
    }
  });

  test("reaches the servers of the JavaScript SDK", () => {
    expect(json(report(), "js-http text")).toMatchObject({
      verb: "POST",
      body: '"hello"',
      correlation: "c-1",
    });
    expect(json(report(), "js-grpc text")).toMatchObject({ verb: "POST", body: "hello" });
    expect(json(report(), "js-grpc json")).toMatchObject({
      verb: "PUT",
      body: '{"n": 1}',
      contentType: "application/json; charset=utf-8",
    });
  });

  test("reaches an @app.method, with metadata both ways", () => {
    expect(json(report(), "py-grpc text")).toEqual({
      body: "hello",
      contentType: "text/plain",
      correlation: ["c-1"],
      caller: ["caller"],
    });
    expect(outcome(report(), "py-grpc text")).toMatchObject({
      status: 200,
      headers: { "x-app": "py-grpc" },
    });
  });

  test.for(verbs)("verb %s", (verb) => {
    expect(json(report(), `verb ${verb}`)).toMatchObject({ verb });
  });

  test("bytes come back as they were", () => {
    expect(outcome(report(), "bytes")).toMatchObject({
      hex: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("hex"),
      contentType: "application/octet-stream",
    });
  });

  test.for([400, 404, 409, 503])("the app's status %i", (status) => {
    expect(outcome(report(), `status ${status}`)).toMatchObject({ status });
  });

  test("errors of the sidecar and of a gRPC app", () => {
    expect(outcome(report(), "no such app")).toMatchObject({
      status: 500,
      code: "ERR_DIRECT_INVOKE",
      message: expect.stringContaining("nobody"),
    });
    expect(outcome(report(), "no such method")).toMatchObject({ status: 501 });
    expect(outcome(report(), "app fails")).toMatchObject({ status: 500 });
  });

  test("the sidecar is ready, and keeps metadata", () => {
    expect(report().runtime).toMatchObject({
      id: "caller",
      extended: { "interop-python": "set" },
    });
  });
});

describe("invoke_method over gRPC", () => {
  const report = runCalls("grpc");

  test("reaches plain HTTP apps, with verb, body and query", () => {
    for (const appId of ["node-http", "py-http"]) {
      expect(json(report(), `${appId} text`)).toMatchObject({
        verb: "POST",
        body: "hello",
        query: expect.stringMatching(/^\??a=1&b=two(\+|%20)words$/),
        headers: { "x-correlation-id": "c-1", "content-type": "text/plain" },
      });
      expect(outcome(report(), `${appId} text`).contentType).toMatch(/^application\/json/);
      expect(json(report(), `${appId} json`)).toMatchObject({ verb: "PUT", body: '{"n": 1}' });
    }
  });

  test("reaches the servers of the JavaScript SDK", () => {
    expect(json(report(), "js-http text")).toMatchObject({ verb: "POST", body: '"hello"' });
    expect(json(report(), "js-grpc text")).toMatchObject({ verb: "POST", body: "hello" });
  });

  test("reaches an @app.method, with metadata", () => {
    expect(json(report(), "py-grpc text")).toEqual({
      body: "hello",
      contentType: "text/plain",
      correlation: ["c-1"],
      caller: ["caller"],
    });
  });

  test("a protobuf message keeps its type both ways", () => {
    expect(report().message).toBe("got one");
  });

  test.for(verbs)("verb %s", (verb) => {
    expect(json(report(), `verb ${verb}`)).toMatchObject({ verb });
  });

  test("bytes come back as they were", () => {
    expect(outcome(report(), "bytes").hex).toBe(
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("hex"),
    );
  });

  // Dapr's own table: a 400 is no INVALID_ARGUMENT there.
  test.for([
    [400, "INTERNAL"],
    [404, "NOT_FOUND"],
    [409, "ALREADY_EXISTS"],
    [503, "UNAVAILABLE"],
  ] as const)("the app's status %i is %s", ([status, code]) => {
    expect(outcome(report(), `status ${status}`)).toMatchObject({ code });
  });

  test("errors of the sidecar and of a gRPC app", () => {
    expect(outcome(report(), "no such app")).toMatchObject({
      code: "INTERNAL",
      message: expect.stringContaining("nobody"),
    });
    expect(outcome(report(), "no such method")).toMatchObject({ code: "UNIMPLEMENTED" });
    expect(outcome(report(), "app fails")).toMatchObject({
      code: "UNKNOWN",
      message: expect.stringContaining("the handler fails on purpose"),
    });
  });

  test("the sidecar is ready, and keeps metadata", () => {
    expect(report().runtime).toMatchObject({ id: "caller", extended: { "interop-python": "set" } });
  });
});
