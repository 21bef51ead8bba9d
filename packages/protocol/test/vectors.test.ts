import {
  ActorRuntimeStatus,
  decodeErrorInfo,
  decodeGetMetadataResponse,
  decodeInternalInvokeRequest,
  decodeInternalInvokeRequestStream,
  decodeInternalInvokeResponse,
  decodeInternalInvokeResponseStream,
  decodeInvokeServiceRequest,
  decodeStatus,
  encodeErrorInfo,
  encodeGetMetadataResponse,
  encodeInternalInvokeRequest,
  encodeInternalInvokeRequestStream,
  encodeInternalInvokeResponse,
  encodeInternalInvokeResponseStream,
  encodeInvokeServiceRequest,
  encodeStatus,
  type GetMetadataResponse,
} from "@outrigger/protocol";
import { expect, test } from "vitest";
import { utf8 } from "./seeded.ts";

// The bytes were produced by Google's protobuf library for Python from the same messages.
const requestHex =
  "0801121c0a0c436f6e74656e742d54797065120c0a0a746578742f706c61696e1a1a0a03612f621a0a746578742f706c61696e220708031203783d31";

const request = {
  ver: 1,
  metadata: ["Content-Type", "text/plain"],
  message: {
    method: "a/b",
    data: undefined,
    contentType: "text/plain",
    httpExtension: { verb: "POST", querystring: "x=1" },
  },
};

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "hex");
}

test("an internal request has the bytes of the reference library", () => {
  expect(hex(encodeInternalInvokeRequest(request))).toBe(requestHex);
  expect(decodeInternalInvokeRequest(bytes(requestHex))).toEqual({ ...request, hasMetadata: true });
});

test("a request stream message has the bytes of the reference library", () => {
  const vector = `0a3c${requestHex}120a0a0568656c6c6f10ac02`;
  const payload = { data: Buffer.from("hello"), seq: 300 };
  expect(hex(encodeInternalInvokeRequestStream({ request, payload }))).toBe(vector);
  expect(decodeInternalInvokeRequestStream(bytes(vector))).toEqual({
    request: { ...request, hasMetadata: true },
    payload,
  });
});

test("an internal response keeps an empty status, empty values and UTF-8 bytes", () => {
  const vector =
    "0a00120e0a015812090a01310a000a02c3a91a080a017412030a0176220b0a04120200ff1203612f62";
  const response = {
    status: { code: 0, message: "", details: [] },
    headers: ["X", "1", "X", "", "X", utf8("é")],
    trailers: ["t", "v"],
    message: { data: { typeUrl: "", value: Buffer.from([0, 255]) }, contentType: "a/b" },
  };
  expect(hex(encodeInternalInvokeResponse(response))).toBe(vector);
  expect(decodeInternalInvokeResponse(bytes(vector))).toEqual({
    ...response,
    hasHeaders: true,
    hasTrailers: true,
  });
});

test("an empty response in a stream message is present", () => {
  const response = { headers: [], trailers: [] };
  expect(hex(encodeInternalInvokeResponseStream({ response }))).toBe("0a00");
  const decoded = decodeInternalInvokeResponseStream(bytes("0a00"));
  expect(decoded.response).toEqual({
    ...response,
    status: undefined,
    message: undefined,
    hasHeaders: false,
    hasTrailers: false,
  });
  expect(decodeInternalInvokeResponseStream(new Uint8Array(0)).response).toBeUndefined();
});

test("a status with a negative code, UTF-8 text and details", () => {
  const vector = "08fbffffffffffffffff0112036ec3b61a080a03742f78120131";
  const status = {
    code: -5,
    message: "nö",
    details: [{ typeUrl: "t/x", value: Buffer.from("1") }],
  };
  expect(hex(encodeStatus(status))).toBe(vector);
  expect(decodeStatus(bytes(vector))).toEqual(status);
});

test("an InvokeService request uses the fields 1 and 3", () => {
  const value = Buffer.alloc(200, "z");
  const vector = `0a066170702e6e731ad1010a016d12cb0112c801${value.toString("hex")}`;
  const call = {
    id: "app.ns",
    message: {
      method: "m",
      data: { typeUrl: "", value },
      contentType: "",
      httpExtension: undefined,
    },
  };
  expect(hex(encodeInvokeServiceRequest(call))).toBe(vector);
  expect(decodeInvokeServiceRequest(bytes(vector))).toEqual(call);
});

test("an ErrorInfo", () => {
  const vector = "0a01521207646170722e696f1a100a09687474702e636f64651203343034";
  const info = { reason: "R", domain: "dapr.io", metadata: { "http.code": "404" } };
  expect(hex(encodeErrorInfo(info))).toBe(vector);
  expect(decodeErrorInfo(bytes(vector))).toEqual(info);
});

test("a metadata response with every field", () => {
  const vector =
    "0a0378797a12050a015410021a100a016e1201741a02763122014122014222060a016b12017632040a0265703a2f0888271204687474701a093132372e302e302e31200a2a170a082f6865616c74687a120235731a053530306d7320034206312e31382e334a09486f7452656c6f6164521d080118012217706c6163656d656e743a20646973636f6e6e65637465645a050a03783a3162006a050a036d637072050a037761707a050a03726573";
  const response: GetMetadataResponse = {
    id: "xyz",
    activeActorsCount: [{ type: "T", count: 2 }],
    registeredComponents: [{ name: "n", type: "t", version: "v1", capabilities: ["A", "B"] }],
    extendedMetadata: { k: "v" },
    httpEndpoints: ["ep"],
    appConnectionProperties: {
      port: 5000,
      protocol: "http",
      channelAddress: "127.0.0.1",
      maxConcurrency: 10,
      health: {
        healthCheckPath: "/healthz",
        healthProbeInterval: "5s",
        healthProbeTimeout: "500ms",
        healthThreshold: 3,
      },
    },
    runtimeVersion: "1.18.3",
    enabledFeatures: ["HotReload"],
    actorRuntime: {
      runtimeStatus: ActorRuntimeStatus.DISABLED,
      activeActors: [],
      hostReady: true,
      placement: "placement: disconnected",
    },
    scheduler: { connectedAddresses: ["x:1"] },
    workflows: { connectedWorkers: 0 },
    mcpServers: ["mcp"],
    workflowAccessPolicies: ["wap"],
    resiliencies: ["res"],
  };
  expect(hex(encodeGetMetadataResponse(response))).toBe(vector);
  expect(decodeGetMetadataResponse(bytes(vector))).toEqual(response);
});
