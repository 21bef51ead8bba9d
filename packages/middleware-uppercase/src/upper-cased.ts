import { type Body, freeChunk, isBuffered, ownChunk } from "@outrigger/core";

/** A body of the same length: bytes beyond ASCII stay, so chunks may end in the middle of a character. */
export function upperCased(body: Body): Body {
  if (isBuffered(body)) return body.length === 0 ? body : copyUpper(body);
  return {
    [Symbol.asyncIterator]: () => {
      const chunks = body[Symbol.asyncIterator]();
      return {
        next: async () => {
          const result = await chunks.next();
          if (result.done) return result;
          const value = ownChunk(copyUpper(result.value));
          freeChunk(result.value);
          return { done: false, value };
        },
        return: async () => {
          await chunks.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** A copy, because whoever made the bytes may send them again. */
function copyUpper(bytes: Uint8Array): Uint8Array {
  const upper = new Uint8Array(bytes);
  for (let index = 0; index < upper.length; index++) {
    const byte = upper[index] as number;
    if (byte >= 0x61 && byte <= 0x7a) upper[index] = byte - 0x20;
  }
  return upper;
}
