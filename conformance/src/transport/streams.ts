import { equal } from "node:assert/strict";
import { type Body, type BodyStream, isBuffered } from "@outrigger/core";
import { patterned } from "./calls.ts";

/** Repeats after this many bytes, a prime, so that no chunk size goes along with it. */
const patternBytes = 65_521;
const pattern = Buffer.from(patterned(patternBytes));
const repeated = Buffer.concat([pattern, pattern, pattern]);

/** A patterned body in chunks, which counts what was taken from it. */
export async function* streamed(
  total: number,
  chunkBytes: number,
  produced: { bytes: number } = { bytes: 0 },
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < total; at += chunkBytes) {
    const length = Math.min(chunkBytes, total - at);
    produced.bytes += length;
    // A copy: a transport owns the chunks that it gets.
    yield Uint8Array.prototype.slice.call(slice(at, length));
  }
}

/** A patterned body without an end. */
export function endlessly(produced?: { bytes: number }): AsyncGenerator<Uint8Array> {
  return streamed(Number.POSITIVE_INFINITY, 65_536, produced);
}

/** Reads a patterned body to its end. @throws AssertionError when a byte is not in its place. */
export async function checkedLength(body: Body): Promise<number> {
  let at = 0;
  const chunks: BodyStream | readonly Uint8Array[] = isBuffered(body) ? [body] : body;
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += patternBytes) {
      const part = chunk.subarray(from, from + patternBytes);
      const same = slice(at, part.length).equals(part);
      equal(same, true, `the bytes from ${at} on are those that were sent`);
      at += part.length;
    }
  }
  return at;
}

function slice(at: number, length: number): Buffer {
  const from = at % patternBytes;
  return repeated.subarray(from, from + length);
}
