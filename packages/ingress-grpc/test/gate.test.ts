import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiCallRecord, ingressGrpc } from "@outrigger/ingress-grpc";
import { daprPaths, encodeSetMetadataRequest } from "@outrigger/protocol";
import { expect, test } from "vitest";
import { sidecar, startIngress, testContext, unary } from "./stand-in.ts";

const empty = new Uint8Array(0);

test("baggage is checked and repeated on every method, not only on InvokeService", async () => {
  const { port } = await startIngress({});
  const set = encodeSetMetadataRequest({ key: "k", value: "v" });
  const got = await unary(port, daprPaths.SetMetadata, set, ["baggage", "a=1,b=2"]);
  expect(got.code).toBe(0);
  expect(got.headers).toContain("baggage|a=1,b=2");
  const refused = await unary(port, daprPaths.GetMetadata, empty, ["baggage", "no baggage"]);
  expect(refused.code).toBe(3);
  expect(refused.message).toContain("invalid baggage header: ");
  const proxied = await unary(port, "/a.B/C", empty, ["baggage", "=", "dapr-app-id", "callee"]);
  expect(proxied.code).toBe(3);
});

test("without tracing nobody looks at baggage", async () => {
  const { port } = await startIngress({}, { tracing: false });
  const got = await unary(port, daprPaths.GetMetadata, empty, ["baggage", "no baggage"]);
  expect(got.code).toBe(0);
  expect(got.headers).not.toContain("baggage|");
});

test("calls that are refused before their method are not in the API log", async () => {
  const records: ApiCallRecord[] = [];
  const { port } = await startIngress({}, { onApiCall: (record) => void records.push(record) });
  expect((await unary(port, "/a.B/C", empty)).message).toBe(
    "cannot proxy request: missing dapr-callee-app-id or dapr-app-id metadata",
  );
  await unary(port, daprPaths.GetMetadata, empty, ["baggage", "no baggage"]);
  expect((await unary(port, daprPaths.GetMetadata, empty)).code).toBe(0);
  expect(records).toMatchObject([{ method: daprPaths.GetMetadata, code: 0 }]);
});

test("a socket whose folder is missing fails the start at once", async () => {
  const unixSocketPath = join(tmpdir(), "outrigger-no-such-folder", "api.socket");
  const ingress = ingressGrpc({ unixSocketPath, bindTimeoutMs: 60_000 })(
    testContext(),
    sidecar({}),
  );
  await expect(ingress.start?.(new AbortController().signal)).rejects.toThrow(
    "failed to start API gRPC server: could not listen on any endpoint",
  );
});
