import { randomFillSync } from "node:crypto";

/** Filled at once: a call into the system's generator costs several times more than an id. */
const poolBytes = 8_192;
const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Random ids of traces and spans, from a pool. */
export class RandomIds {
  readonly #pool: Uint8Array = new Uint8Array(poolBytes);
  #position = poolBytes;

  /** 32 lower-case hex digits, not all zero. */
  traceId(): string {
    return this.#id(16);
  }

  /** 16 lower-case hex digits, not all zero. */
  spanId(): string {
    return this.#id(8);
  }

  #id(bytes: number): string {
    for (;;) {
      if (this.#position + bytes > poolBytes) this.#refill();
      const end = this.#position + bytes;
      let id = "";
      let any = 0;
      while (this.#position < end) {
        const byte = this.#pool[this.#position++] as number;
        any |= byte;
        id += hex[byte] as string;
      }
      // An id of zeros is invalid (W3C Trace Context, section 3.2.2.3).
      if (any !== 0) return id;
    }
  }

  #refill(): void {
    randomFillSync(this.#pool);
    this.#position = 0;
  }
}
