import { isOutriggerError } from "@outrigger/core";
import {
  decodeAny,
  decodeEmpty,
  decodeErrorInfo,
  decodeGetMetadataResponse,
  decodeInternalInvokeRequest,
  decodeInternalInvokeRequestStream,
  decodeInternalInvokeResponse,
  decodeInternalInvokeResponseStream,
  decodeInvokeRequest,
  decodeInvokeResponse,
  decodeInvokeServiceRequest,
  decodeSetMetadataRequest,
  decodeStatus,
  decodeStreamPayload,
  encodeErrorInfo,
  encodeInternalInvokeRequest,
  encodeInternalInvokeRequestStream,
  encodeInternalInvokeResponse,
  encodeInternalInvokeResponseStream,
  encodeInvokeServiceRequest,
  encodeSetMetadataRequest,
  encodeStatus,
} from "@outrigger/protocol";
import { expect, test } from "vitest";
import { fuzz, mutate, randomBytes } from "../../grpc-http2/test/fuzz.ts";
import { utf8 } from "./seeded.ts";

const decoders: readonly ((bytes: Uint8Array) => unknown)[] = [
  decodeAny,
  decodeEmpty,
  decodeErrorInfo,
  decodeGetMetadataResponse,
  decodeInternalInvokeRequest,
  decodeInternalInvokeRequestStream,
  decodeInternalInvokeResponse,
  decodeInternalInvokeResponseStream,
  decodeInvokeRequest,
  decodeInvokeResponse,
  decodeInvokeServiceRequest,
  decodeSetMetadataRequest,
  decodeStatus,
  decodeStreamPayload,
];

const metadata = ["Content-Type", "text/plain", "X-A", "1", "X-A", utf8("ä€😀"), "x-bin", "AAEC"];
const data = { typeUrl: "type/T", value: Buffer.from("some value") };
const message = {
  method: "a/b",
  contentType: "text/plain",
  data,
  httpExtension: { verb: "POST", querystring: "a=b&c" },
};
const status = { code: 13, message: "why", details: [data, data] };
const request = { ver: 1, metadata, message };
const response = {
  status,
  headers: metadata,
  trailers: metadata,
  message: { contentType: "t", data },
};
const payload = { data: Buffer.alloc(200, 1), seq: 300 };

const valid: readonly Uint8Array[] = [
  encodeInternalInvokeRequest(request),
  encodeInternalInvokeRequestStream({ request, payload }),
  encodeInternalInvokeResponse(response),
  encodeInternalInvokeResponseStream({ response, payload }),
  encodeInvokeServiceRequest({ id: "callee", message }),
  encodeSetMetadataRequest({ key: "k", value: "v" }),
  encodeStatus(status),
  encodeErrorInfo({ reason: "R", domain: "d", metadata: { a: "b", c: "d" } }),
];

function decodeAll(bytes: Uint8Array): void {
  for (const decode of decoders) {
    try {
      decode(bytes);
    } catch (reason) {
      if (!isOutriggerError(reason)) throw reason;
      expect(reason.code).toBe("OTR_PROTOCOL_VIOLATION");
    }
  }
}

test("mutated messages decode, or are refused as a violation of the protocol", async () => {
  await fuzz(2_000, async (random) => {
    decodeAll(mutate(valid[random(valid.length)] as Uint8Array, random));
  });
});

test("arbitrary bytes decode, or are refused as a violation of the protocol", async () => {
  await fuzz(1_000, async (random) => decodeAll(randomBytes(random(300), random)));
});

/** Messages in messages, each its own length: depth is what a decoder could recurse into. */
test("lengths that promise too much, and deep nesting, cost nothing", () => {
  for (const tag of [0x0a, 0x12, 0x1a, 0x22, 0x2a]) {
    decodeAll(Buffer.of(tag, 0xff, 0xff, 0xff, 0xff, 0x0f));
    decodeAll(Buffer.of(tag, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01));
    let nested = Buffer.alloc(0);
    for (let depth = 0; depth < 10_000; depth += 1) {
      const length = nested.length;
      const varint = [];
      let rest = length;
      for (; rest > 127; rest = Math.floor(rest / 128)) varint.push((rest % 128) | 128);
      nested = Buffer.concat([Buffer.of(tag, ...varint, rest), nested]);
    }
    decodeAll(nested);
    decodeAll(Buffer.alloc(100_000, (tag & ~7) | 3));
  }
});
