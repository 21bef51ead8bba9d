import { type Body, isBuffered } from "@outrigger/core";

/** The same body, whose size is told once when it has ended, however it ends. */
export function countBody(body: Body, onEnd: (sizeBytes: number) => void): Body {
  if (isBuffered(body)) {
    onEnd(body.length);
    return body;
  }
  return {
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]();
      let size = 0;
      let ended = false;
      const end = (): void => {
        if (!ended) onEnd(size);
        ended = true;
      };
      return {
        next: async () => {
          try {
            const result = await iterator.next();
            if (result.done) end();
            else size += result.value.length;
            return result;
          } catch (reason) {
            end();
            throw reason;
          }
        },
        return: async () => {
          end();
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
