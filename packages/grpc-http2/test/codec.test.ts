import {
  decodeGrpcMessage,
  encodeGrpcMessage,
  encodeGrpcTimeout,
  FrameParser,
  frameMessage,
  type GrpcFrame,
  parseGrpcTimeout,
} from "@outrigger/grpc-http2";
import { expect, test } from "vitest";

test("messages are cut the same way however the bytes are split", () => {
  const messages = [0, 1, 4, 5, 6, 300].map((length) => Buffer.alloc(length, length));
  const bytes = Buffer.concat(messages.map((message) => frameMessage(message)));
  for (const step of [1, 2, 3, 5, 7, 64, bytes.length]) {
    const parser = new FrameParser(1_000);
    const frames: GrpcFrame[] = [];
    for (let offset = 0; offset < bytes.length; offset += step) {
      expect(parser.push(bytes.subarray(offset, offset + step), frames)).toBeUndefined();
    }
    expect(frames.map((frame) => Buffer.from(frame.data))).toEqual(messages);
    expect(parser.partial).toBe(false);
  }
});

test("a message inside one chunk is a view, not a copy", () => {
  const chunk = Buffer.from(frameMessage(Buffer.from("view")));
  const frames: GrpcFrame[] = [];
  new FrameParser(10).push(chunk, frames);
  expect(frames[0]?.data.buffer).toBe(chunk.buffer);
});

test("a length above the limit fails on its prefix, also when the prefix is split", () => {
  const framed = frameMessage(Buffer.alloc(11));
  const failure = {
    code: 8,
    message: "grpc: received message larger than max (11 vs. 10)",
  };
  expect(new FrameParser(10).push(framed.subarray(0, 5), [])).toEqual(failure);
  const parser = new FrameParser(10);
  expect(parser.push(framed.subarray(0, 3), [])).toBeUndefined();
  expect(parser.push(framed.subarray(3, 6), [])).toEqual(failure);
});

test("an unknown flag is not a message", () => {
  expect(new FrameParser(10).push(Uint8Array.of(2, 0, 0, 0, 0), [])).toMatchObject({ code: 13 });
});

test("status messages survive the header encoding", () => {
  for (const text of ["", "plain text", "100%", "tab\tnewline\n", "über 漢字 😀"]) {
    expect(decodeGrpcMessage(encodeGrpcMessage(text))).toBe(text);
  }
  expect(encodeGrpcMessage("50% ü")).toBe("50%25 %C3%BC");
  expect(decodeGrpcMessage("bad %zz escape %")).toBe("bad %zz escape %");
});

test.for([
  [0, "1u"],
  [1.5, "1500u"],
  [99_999, "99999000u"],
  [100_000, "100000m"],
  [200_000_000, "200000S"],
] as const)("a timeout of %d ms is %s", ([timeoutMs, header]) => {
  expect(encodeGrpcTimeout(timeoutMs)).toBe(header);
});

test("timeouts of peers are read in every unit", () => {
  expect(["1H", "2M", "3S", "4m", "5000u", "6000000n"].map(parseGrpcTimeout)).toEqual([
    3_600_000, 120_000, 3_000, 4, 5, 6,
  ]);
  expect(["", "1", "S", "123456789S", "1x", "-1S"].map(parseGrpcTimeout)).toEqual(
    new Array(6).fill(undefined),
  );
});
