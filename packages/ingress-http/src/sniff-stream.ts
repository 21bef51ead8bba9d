import type { BodyStream } from "@outrigger/core";
import { detectContentType } from "./detect-content-type.ts";

/** The type that a stream's first chunk suggests, and the stream with that chunk; "" for an empty one. */
export async function sniffStream(
  body: BodyStream,
): Promise<{ readonly contentType: string; readonly body: BodyStream }> {
  const rest = body[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | undefined = await rest.next();
  const contentType = first.done ? "" : detectContentType(first.value);
  const iterator: AsyncIterator<Uint8Array> = {
    next: async () => {
      const taken = first;
      first = undefined;
      return taken ?? rest.next();
    },
    return: async () => {
      await rest.return?.();
      return { done: true, value: undefined };
    },
  };
  return { contentType, body: { [Symbol.asyncIterator]: () => iterator } };
}
