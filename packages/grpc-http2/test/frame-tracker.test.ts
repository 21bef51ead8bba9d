import { expect, test } from "vitest";
import { FrameTracker } from "../src/frame-tracker.ts";
import { frameMessage } from "../src/frames.ts";
import { MessageReader } from "../src/message-reader.ts";

const bytes = Buffer.concat([
  frameMessage(Buffer.from("one")),
  frameMessage(Buffer.alloc(0)),
  frameMessage(Buffer.alloc(1_000, 7), true),
]);

test.each([1, 2, 5, 6, 64, 10_000])("messages are followed in pieces of %s bytes", (size) => {
  const tracker = new FrameTracker(1_000);
  const ends = [8, 13, bytes.length];
  for (let offset = 0; offset < bytes.length; offset += size) {
    const end = Math.min(bytes.length, offset + size);
    expect(tracker.push(bytes.subarray(offset, end))).toBeUndefined();
    expect(tracker.partial, `at ${end}`).toBe(!ends.includes(end));
  }
});

test.each([
  ["a message that is too long", frameMessage(Buffer.alloc(1_001)), /1001 vs\. 1000/],
  ["an unknown flag", Buffer.from([2, 0, 0, 0, 0]), /unexpected payload format 2/],
])("%s ends the stream when its prefix is there", (_name, wrong, text) => {
  const tracker = new FrameTracker(1_000);
  for (const byte of wrong.subarray(0, 4)) {
    expect(tracker.push(Uint8Array.of(byte))).toBeUndefined();
  }
  expect(tracker.push(wrong.subarray(4, 5))?.message).toMatch(text);
});

test("a reader that passes through hands on what it had begun to put together", async () => {
  const reader = new MessageReader({ pause: () => undefined, resume: () => undefined }, 10_000);
  reader.push(bytes.subarray(0, 20));
  expect(reader.partial).toBe(true);
  reader.passThrough();
  expect(reader.partial).toBe(true);
  reader.push(bytes.subarray(20));
  expect(reader.partial).toBe(false);
  reader.end();
  const pieces: Uint8Array[] = [];
  for await (const { data, raw } of reader) {
    // Messages that were whole before are without their prefix, as ever.
    pieces.push(raw ? data : frameMessage(data));
  }
  expect(Buffer.concat(pieces)).toEqual(bytes);
});
