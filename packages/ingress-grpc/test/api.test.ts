import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { type InvokeRequest, type InvokeResponse, OutriggerError } from "@outrigger/core";
import { type ApiCallRecord, ingressGrpc } from "@outrigger/ingress-grpc";
import {
  daprPaths,
  decodeErrorInfo,
  decodeGetMetadataResponse,
  decodeInvokeResponse,
  decodeStatus,
  encodeInvokeServiceRequest,
  encodeSetMetadataRequest,
} from "@outrigger/protocol";
import { expect, test } from "vitest";
import {
  extended,
  logged,
  onCleanup,
  sidecar,
  startIngress,
  testContext,
  unary,
} from "./stand-in.ts";

const empty = new Uint8Array(0);

function answer(parts: Partial<InvokeResponse>): InvokeResponse {
  return {
    status: { code: 0, message: "", details: [] },
    headers: [],
    trailers: [],
    contentType: "",
    typeUrl: "",
    body: empty,
    ...parts,
  };
}

function invokeMessage(id = "callee", value = "hi"): Uint8Array {
  const data = { typeUrl: "", value: Buffer.from(value) };
  return encodeInvokeServiceRequest({ id, message: { method: "m", contentType: "t/p", data } });
}

test("InvokeService hands the call to the pipeline and the gRPC app's answer back", async () => {
  const seen: InvokeRequest[] = [];
  const { port } = await startIngress({
    invoke: async (request) => {
      seen.push(request);
      const body = Buffer.from("yo");
      return answer({ headers: ["x-h", "1", "h-bin", "AQID"], trailers: ["x-t", "2"], body });
    },
  });

  const got = await unary(port, daprPaths.InvokeService, invokeMessage(), ["blob-bin", "AAECAw"]);

  expect(got.code).toBe(0);
  expect(Buffer.from(decodeInvokeResponse(got.data ?? empty).data?.value ?? empty)).toEqual(
    Buffer.from("yo"),
  );
  expect(got.headers).toContain("x-h|1|h-bin|AQID");
  expect(got.headers).not.toContain("date|");
  expect(got.trailers).toContain("x-t|2");
  expect(seen[0]).toMatchObject({ target: "callee", method: "m", http: undefined, origin: "grpc" });
  expect(seen[0]?.metadata.join("|")).toContain("blob-bin|AAECAw==");
  await unary(port, daprPaths.InvokeService, invokeMessage());
  expect(logged.filter((line) => line.includes("InvokeService is deprecated"))).toHaveLength(1);
});

test("an HTTP app's failure becomes a status with its body, cut, in the details", async () => {
  const { port } = await startIngress({
    invoke: async () =>
      answer({
        status: { code: 404, message: "", details: [] },
        headers: ["Content-Type", "text/plain"],
        body: Buffer.alloc(200, "e"),
      }),
  });
  const got = await unary(port, daprPaths.InvokeService, invokeMessage());
  expect(got).toMatchObject({ code: 5, message: "Not Found" });
  expect(got.headers).toContain("dapr-content-type|text/plain");
  expect(got.headers).toContain("dapr-http-status|404");
  const [detail] = decodeStatus(got.detailsBin ?? empty).details;
  expect(decodeErrorInfo(detail?.value ?? empty)).toEqual({
    reason: "Not Found",
    domain: "dapr.io",
    metadata: { "http.code": "404", "http.error_message": "e".repeat(63) },
  });
});

test("statuses of gRPC apps pass unchanged, failures of the sidecars are wrapped", async () => {
  const details = [{ typeUrl: "t/Odd", value: Buffer.from([1]) }];
  const { port } = await startIngress({
    invoke: async ({ target }) => {
      if (target !== "app")
        throw new OutriggerError("app id is empty", { code: "OTR_TARGET_INVALID" });
      return answer({ status: { code: 9, message: "pre ä", details }, headers: ["x-h", "1"] });
    },
  });
  const failed = await unary(port, daprPaths.InvokeService, invokeMessage("app"));
  expect(failed).toMatchObject({ code: 9, message: "pre ä" });
  expect(failed.headers).toContain("x-h|1");
  expect(decodeStatus(failed.detailsBin ?? empty).details[0]?.typeUrl).toBe("t/Odd");
  expect(await unary(port, daprPaths.InvokeService, invokeMessage(""))).toMatchObject({
    code: 13,
    message: "failed to invoke, id: , err: app id is empty",
  });
});

test("a compressed request gets a compressed answer; broken ones get Dapr's codes", async () => {
  const { port } = await startIngress({ invoke: async () => answer({ body: Buffer.from("z") }) });
  const path = daprPaths.InvokeService;
  const headers = ["grpc-encoding", "gzip"];
  const got = await unary(port, path, gzipSync(invokeMessage()), headers, true);
  expect(got.compressed).toBe(true);
  expect(decodeInvokeResponse(gunzipSync(got.data ?? empty)).data?.value).toEqual(Buffer.from("z"));
  const snappy = await unary(port, path, empty, ["grpc-encoding", "snappy"], true);
  expect(snappy.code).toBe(12);
  expect((await unary(port, path, Buffer.from([255, 255, 255, 255]))).code).toBe(13);
});

test("messages over the limit are refused in both directions", async () => {
  const big = Buffer.alloc(70_000);
  const { port } = await startIngress(
    { invoke: async () => answer({ body: big }) },
    { maxMessageBytes: 65_536 },
  );
  expect(await unary(port, daprPaths.InvokeService, big)).toMatchObject({
    code: 8,
    message: "grpc: received message larger than max (70000 vs. 65536)",
  });
  const got = await unary(port, daprPaths.InvokeService, invokeMessage());
  expect(got.code).toBe(8);
  expect(got.message).toContain("trying to send message larger than max");
});

test("metadata is told and set, shutdown is asked for, other building blocks are not served", async () => {
  const forced: boolean[] = [];
  const { port } = await startIngress({ requestShutdown: (force) => void forced.push(force) });
  const set = encodeSetMetadataRequest({ key: "k", value: "v" });
  expect((await unary(port, daprPaths.SetMetadata, set)).code).toBe(0);
  expect(extended.get("k")).toBe("v");
  const { data } = await unary(port, daprPaths.GetMetadata, empty);
  expect(decodeGetMetadataResponse(data ?? empty)).toMatchObject({
    id: "me",
    extendedMetadata: { k: "v" },
    actorRuntime: { runtimeStatus: 1, placement: "placement: disconnected" },
  });
  await unary(port, daprPaths.Shutdown, empty);
  await unary(port, daprPaths.Shutdown, empty, ["dapr-force-shutdown", "TRUE"]);
  expect(forced).toEqual([false, true]);
  const state = await unary(port, "/dapr.proto.runtime.v1.Dapr/GetState", empty, [
    "dapr-app-id",
    "a",
  ]);
  expect(state.code).toBe(12);
  expect(state.message).toContain("state");
});

test("the gate refuses by API list and by token, hides the token, and tells the calls that pass", async () => {
  const records: ApiCallRecord[] = [];
  const seen: InvokeRequest[] = [];
  const { port } = await startIngress(
    {
      invoke: async (request) => {
        seen.push(request);
        return answer({});
      },
    },
    {
      isAllowed: (path) => path !== daprPaths.GetMetadata,
      authenticate: (headers) =>
        headers.includes("secret") ? undefined : { code: 16, message: "Unauthorized" },
      onApiCall: (record) => void records.push(record),
    },
  );
  const denied = await unary(port, daprPaths.GetMetadata, empty);
  expect(denied).toMatchObject({ code: 12, message: "Not Implemented" });
  expect((await unary(port, "/a.B/C", empty, ["dapr-app-id", "x"])).code).toBe(16);
  const headers = ["dapr-api-token", "secret"];
  expect((await unary(port, daprPaths.InvokeService, invokeMessage(), headers)).code).toBe(0);
  expect(seen[0]?.metadata.join("|")).not.toContain("secret");
  expect(records.map(({ method, code }) => [method, code])).toEqual([[daprPaths.InvokeService, 0]]);
});

test("what is no request is refused, and the log does not hear of it", async () => {
  const records: ApiCallRecord[] = [];
  const { port } = await startIngress({}, { onApiCall: (record) => void records.push(record) });
  const broken = Buffer.of(0x0a, 0xff);
  for (const path of [daprPaths.InvokeService, daprPaths.SetMetadata]) {
    const got = await unary(port, path, broken);
    expect(got.code).toBe(13);
    expect(got.message).toContain("grpc: error unmarshalling request: ");
  }
  expect((await unary(port, daprPaths.SetMetadata, empty)).code).toBe(0);
  await expect.poll(() => records.map(({ code }) => code)).toEqual([0]);
});

test("a port in use fails after the retries; a Unix socket replaces TCP and goes at stop", async () => {
  const { port } = await startIngress({});
  const taken = ingressGrpc({ hosts: ["127.0.0.1"], port, bindTimeoutMs: 0 });
  await expect(
    taken(testContext(), sidecar({})).start?.(new AbortController().signal),
  ).rejects.toThrow("failed to start API gRPC server: could not listen on any endpoint");
  const unixSocketPath = join(tmpdir(), `outrigger-${process.pid}.socket`);
  const { ingress } = await startIngress({}, { unixSocketPath });
  onCleanup(() => undefined);
  expect(existsSync(unixSocketPath)).toBe(true);
  await ingress.stop?.();
  expect(existsSync(unixSocketPath)).toBe(false);
});
