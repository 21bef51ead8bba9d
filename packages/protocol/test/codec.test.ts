import { isOutriggerError, toRpcStatus } from "@outrigger/core";
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
  encodeEmpty,
  encodeInternalInvokeRequest,
  encodeInternalInvokeRequestStream,
  encodeInternalInvokeResponseStream,
  encodeInvokeRequest,
  encodeInvokeResponse,
  encodePayloadHead,
  encodeSetMetadataRequest,
  encodeStreamPayload,
  ProtoReader,
  ProtoWriter,
} from "@outrigger/protocol";
import { describe, expect, test } from "vitest";
import { seeded, utf8 } from "./seeded.ts";

const sizes = [0, 1, 23, 24, 25, 100, 127, 128, 129, 300, 16383, 16384, 20000];

function randomText(random: () => number): string {
  const size = sizes[Math.floor(random() * sizes.length)] as number;
  return random() < 0.3 ? utf8("äß€😀".repeat(size / 12)) : "x".repeat(size);
}

function randomList(random: () => number): string[] {
  const list: string[] = [];
  const count = random() < 0.1 ? 200 : Math.floor(random() * 12);
  for (let index = 0; index < count; index++) {
    list.push(`name-${index}`, count > 20 ? "v" : randomText(random));
    if (random() < 0.3) list.push(`name-${index}`, "again");
  }
  return list;
}

function randomBytes(random: () => number): Buffer {
  const size = sizes[Math.floor(random() * sizes.length)] as number;
  return Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));
}

function randomRequest(random: () => number) {
  return {
    ver: 1,
    metadata: randomList(random),
    message: {
      method: randomText(random),
      data: random() < 0.5 ? undefined : { typeUrl: "t/ü", value: randomBytes(random) },
      contentType: randomText(random),
      httpExtension:
        random() < 0.5 ? undefined : { verb: "PATCH", querystring: randomText(random) },
    },
  };
}

function randomResponse(random: () => number) {
  return {
    status: { code: 404, message: "ä".repeat(random() * 200), details: [] },
    headers: randomList(random),
    trailers: randomList(random),
    message: { data: { typeUrl: "", value: randomBytes(random) }, contentType: randomText(random) },
  };
}

test("whatever is encoded comes back", () => {
  const random = seeded(1);
  for (let round = 0; round < 150; round++) {
    const request = randomRequest(random);
    const response = randomResponse(random);
    const payload = { data: randomBytes(random), seq: Math.floor(random() * 2 ** 53) };
    expect(
      decodeInternalInvokeRequestStream(encodeInternalInvokeRequestStream({ request, payload })),
    ).toEqual({ request: { ...request, hasMetadata: request.metadata.length > 0 }, payload });
    expect(
      decodeInternalInvokeResponseStream(encodeInternalInvokeResponseStream({ response, payload })),
    ).toMatchObject({ response, payload });
    expect(decodeInvokeRequest(encodeInvokeRequest(request.message))).toEqual(request.message);
    expect(decodeInvokeResponse(encodeInvokeResponse(response.message))).toEqual(response.message);
    expect(decodeStreamPayload(encodeStreamPayload(payload))).toEqual(payload);
  }
});

test("equal names are grouped in order of first appearance", () => {
  const metadata = ["b", "1", "a", "2", "b", "3", "B", "4"];
  const decode = (list: string[]) =>
    decodeInternalInvokeRequest(encodeInternalInvokeRequest({ ver: 1, metadata: list })).metadata;
  expect(decode(metadata)).toEqual(["b", "1", "b", "3", "a", "2", "B", "4"]);
  const many = Array.from({ length: 100 }, (_, index) => [`k${index}`, "v"]).flat();
  expect(decode([...metadata, ...many])).toEqual([...decode(metadata), ...many]);
});

test("reserved bytes in front of a message are zero", () => {
  expect([...encodeStreamPayload({ data: Buffer.from("a"), seq: 0 }, 5)]).toEqual([
    0, 0, 0, 0, 0, 10, 1, 97,
  ]);
  expect([...encodeEmpty(5)]).toEqual([0, 0, 0, 0, 0]);
});

test.each([0, 1, 127, 128, 2048, 70000])("a payload head makes %i bytes a message", (length) => {
  const data = Buffer.alloc(length, 7);
  for (const seq of [0, 1, 127, 128, 70000]) {
    const message = Buffer.concat([encodePayloadHead(length, seq), data]);
    expect(decodeInternalInvokeRequestStream(message)).toEqual({
      request: undefined,
      payload: { data, seq },
    });
  }
});

test("an empty payload is present", () => {
  const bytes = encodeInternalInvokeRequestStream({ payload: { data: new Uint8Array(0), seq: 0 } });
  expect([...bytes]).toEqual([18, 0]);
  expect(decodeInternalInvokeRequestStream(bytes).payload).toEqual({
    data: Buffer.alloc(0),
    seq: 0,
  });
});

test("a decoded payload is a view of the input", () => {
  const bytes = encodeStreamPayload({ data: Buffer.from("abc"), seq: 1 });
  const { data } = decodeStreamPayload(bytes);
  expect(data.buffer).toBe(bytes.buffer);
});

test("metadata without values is noticed, though the list is empty", () => {
  const bytes = Buffer.from([0x12, 0x03, 0x0a, 0x01, 0x61]);
  expect(decodeInternalInvokeRequest(bytes)).toMatchObject({ metadata: [], hasMetadata: true });
});

test("a repeated map key replaces the earlier entry", () => {
  const entry = (value: string) => encodeInternalInvokeRequest({ ver: 0, metadata: ["a", value] });
  const bytes = Buffer.concat([entry("1"), entry("2")]);
  expect(decodeInternalInvokeRequest(bytes).metadata).toEqual(["a", "2"]);
});

test("two occurrences of a sub-message are merged", () => {
  const first = encodeInternalInvokeRequestStream({ request: { ver: 1, metadata: ["a", "1"] } });
  const message = { method: "m", contentType: "" };
  const second = encodeInternalInvokeRequestStream({
    request: { ver: 0, metadata: ["b", "2"], message },
  });
  expect(decodeInternalInvokeRequestStream(Buffer.concat([first, second])).request).toEqual({
    ver: 1,
    metadata: ["a", "1", "b", "2"],
    hasMetadata: true,
    message: { ...message, data: undefined, httpExtension: undefined },
  });
});

describe("text that is not UTF-8", () => {
  test.each(["\xff", "a\xc3", "\xed\xa0\x80", `${"a".repeat(40)}\x80`, "€"])(
    "%j is not sent",
    (value) => {
      const encode = () => encodeInternalInvokeRequest({ ver: 1, metadata: ["a", value] });
      expect(encode).toThrow("grpc: error while marshaling: string field contains invalid UTF-8");
      try {
        encode();
      } catch (reason) {
        expect(isOutriggerError(reason, "OTR_PROTOCOL_VIOLATION")).toBe(true);
        expect(toRpcStatus(reason).code).toBe(13);
      }
    },
  );

  test("is not accepted", () => {
    expect(() => decodeInvokeRequest(Buffer.from([10, 1, 0xff]))).toThrow("invalid UTF-8");
  });
});

describe("malformed messages", () => {
  test.each([
    ["truncated tag", [0x80]],
    ["truncated length", [10]],
    ["truncated value", [10, 5, 65]],
    ["length beyond 2^32", [10, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    ["field number 0", [0x02, 0]],
    ["varint of eleven bytes", [8, ...Array(10).fill(0xff), 1]],
    ["varint above 64 bits", [8, ...Array(9).fill(0xff), 2]],
    ["wire type 6", [0x0e]],
    ["wire type 7", [0x0f]],
    ["group end without start", [0x0c]],
    ["group without end", [0x0b]],
    ["group ended by another number", [0x0b, 0x14]],
    ["truncated fixed64", [0x09, 1, 2, 3]],
    ["truncated fixed32", [0x0d, 1, 2, 3]],
    ["groups nested too deep", Array(200).fill(0x0b)],
  ])("%s", (_name, bytes) => {
    expect(() => decodeEmpty(Buffer.from(bytes))).toThrow(
      expect.objectContaining({ code: "OTR_PROTOCOL_VIOLATION" }),
    );
  });

  test("a sub-message cannot reach beyond its parent", () => {
    // The outer message has two bytes, its inner one claims five that the buffer would hold.
    const bytes = Buffer.from([10, 2, 10, 5, 1, 2, 3, 4, 5]);
    expect(() => decodeInternalInvokeResponse(bytes)).toThrow("truncated");
  });
});

test("unknown fields of every wire type and foreign wire types are skipped", () => {
  const unknown = [
    [0xf8, 0x01, 1],
    [0xf9, 0x01, 1, 2, 3, 4, 5, 6, 7, 8],
    [0xfa, 0x01, 1, 0],
    [0xfb, 0x01, 0x08, 1, 0xfc, 0x01],
    [0xfd, 0x01, 1, 2, 3, 4],
    [0x08, 5],
  ].flat();
  expect(decodeInvokeRequest(Buffer.from([...unknown, 10, 1, 0x6d]))).toMatchObject({
    method: "m",
  });
});

const decoders = [
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

function mutate(bytes: Uint8Array, random: () => number): Buffer {
  const copy = Buffer.from(bytes.subarray(0, Math.ceil(random() * bytes.length)));
  for (let count = random() * 4; count > 0; count--) {
    copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
  }
  return copy;
}

test("damaged input gives a message or an OutriggerError, nothing else", () => {
  const random = seeded(2);
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const valid = encodeInternalInvokeRequestStream({
      request: {
        ver: 1,
        metadata: ["a", "b", "c", "d"],
        message: { method: "m", contentType: "t" },
      },
      payload: { data: Buffer.from("xyz"), seq: round },
    });
    const input =
      round % 2 === 0
        ? mutate(valid, random)
        : Buffer.from(Array.from({ length: random() * 40 }, () => Math.floor(random() * 256)));
    for (const decode of decoders) {
      try {
        decode(input);
      } catch (reason) {
        if (!isOutriggerError(reason, "OTR_PROTOCOL_VIOLATION")) throw reason;
        refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(1000);
});

test("numbers of every size", () => {
  for (const value of [1, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    const writer = new ProtoWriter({ sizeHintBytes: 1 });
    writer.uint(1, value);
    const reader = new ProtoReader(writer.finish());
    reader.next();
    expect(reader.uint64()).toBe(value);
  }
  for (const value of [1, -1, 2 ** 31 - 1, -(2 ** 31), -300]) {
    const writer = new ProtoWriter();
    writer.int32(1, value);
    const bytes = writer.finish();
    const reader = new ProtoReader(bytes);
    reader.next();
    expect(reader.int32()).toBe(value);
    const again = new ProtoReader(bytes);
    again.next();
    expect(again.int64()).toBe(BigInt(value));
  }
});

test("a SetMetadata request", () => {
  const request = { key: "k", value: "ü" };
  expect(decodeSetMetadataRequest(encodeSetMetadataRequest(request))).toEqual(request);
});
