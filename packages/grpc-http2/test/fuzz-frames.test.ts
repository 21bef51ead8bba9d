import { FrameParser, framedBytes, frameMessage, type GrpcFrame } from "@outrigger/grpc-http2";
import { expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";

const maxBytes = 1_000_000;

test("messages come out whole, wherever their bytes are cut", async () => {
  await fuzz(1_500, async (random) => {
    const messages = Array.from({ length: 1 + random(5) }, () =>
      Buffer.alloc(random(random(4) === 0 ? 100_000 : 300), random(256)),
    );
    const stream = Buffer.concat(messages.map((message) => frameMessage(message, random(2) === 0)));
    const parser = new FrameParser(maxBytes);
    const frames: GrpcFrame[] = [];
    const most = 1 + random(random(3) === 0 ? 20_000 : 200);
    for (let offset = 0; offset < stream.length; ) {
      const piece = 1 + random(most);
      expect(parser.push(stream.subarray(offset, offset + piece), frames)).toBeUndefined();
      offset += piece;
    }
    expect(parser.partial).toBe(false);
    expect(Buffer.concat(frames.map(framedBytes)).equals(stream)).toBe(true);
    expect(frames.map(({ data }) => data.length)).toEqual(messages.map(({ length }) => length));
  });
});

test("arbitrary bytes are frames or a refusal, never anything else", async () => {
  await fuzz(1_500, async (random) => {
    const parser = new FrameParser(maxBytes);
    const frames: GrpcFrame[] = [];
    for (let push = 0; push < 20; push += 1) {
      const bytes = Buffer.from(Array.from({ length: random(60) }, () => random(256)));
      if (random(2) === 0 && bytes.length > 5) bytes.writeUIntBE(random(40), 0, 5);
      const refusal = parser.push(bytes, frames);
      if (refusal === undefined) continue;
      expect([8, 13]).toContain(refusal.code);
      return;
    }
  });
});

test("a message in single bytes keeps alive little more than itself", () => {
  const parser = new FrameParser(maxBytes);
  const message = Buffer.alloc(200_000, 7);
  const framed = frameMessage(message);
  const frames: GrpcFrame[] = [];
  const before = process.memoryUsage().arrayBuffers;
  for (let offset = 0; offset < framed.length; offset += 1) {
    // As node:http2 hands it over: a view of everything that was read at once.
    const read = Buffer.alloc(4_096);
    read[0] = framed[offset] as number;
    parser.push(read.subarray(0, 1), frames);
  }
  expect(frames[0] && Buffer.from(frames[0].data).equals(message)).toBe(true);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 1_048_576);
});
