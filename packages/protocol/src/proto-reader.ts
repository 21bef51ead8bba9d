import { isUtf8 } from "node:buffer";
import type { ByteString } from "@outrigger/core";
import { invalidReceivedText, malformed } from "./violation.ts";

/** Nesting that is followed, as in the protobuf libraries of Google. */
const depthLimit = 100;

const wireVarint = 0;
const wireFixed64 = 1;
const wireBytes = 2;
const wireGroupStart = 3;
const wireGroupEnd = 4;
const wireFixed32 = 5;

/**
 * Reads protobuf fields from a buffer without copying it. Nothing is read beyond its bounds; every
 * method throws OutriggerError `OTR_PROTOCOL_VIOLATION` on input that is no protobuf.
 *
 * Use: `while (reader.next()) switch (reader.tag) { case 10: ...; default: reader.skip(); }`
 */
export class ProtoReader {
  /**
   * What {@link next} found: field number * 8 + wire type, so that a known number with a foreign
   * type falls through to `skip`, as the format demands. 8 is field 1 as a number, 10 is
   * field 1 as bytes.
   */
  tag = 0;
  readonly #buffer: Buffer;
  #position = 0;
  #end: number;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  /** Moves to the next field of the current message; false at its end. */
  next(): boolean {
    if (this.#position === this.#end) return false;
    const tag = this.#uint64();
    // Numbers end at 2^29 - 1, so that a tag fits into 32 bits.
    if (tag < 8 || tag > 0xffffffff) throw malformed("field number out of range");
    this.tag = tag;
    return true;
  }

  /** Passes over the field, whatever it holds: unknown fields are legal. */
  skip(): void {
    const wireType = this.tag & 7;
    if (wireType === wireVarint) this.#skipVarint();
    else if (wireType === wireBytes) this.#advance(this.#length());
    else if (wireType === wireFixed64) this.#advance(8);
    else if (wireType === wireFixed32) this.#advance(4);
    else if (wireType === wireGroupStart) this.#skipGroup(this.tag >>> 3);
    else throw malformed(`wire type ${wireType}`);
  }

  /** Value of type uint64 as a number: above 2^53 it is rounded. */
  uint64(): number {
    return this.#uint64();
  }

  /** Value of type int64, exact. */
  int64(): bigint {
    const start = this.#position;
    this.#skipVarint();
    let value = 0n;
    for (let index = this.#position - 1; index >= start; index--) {
      value = (value << 7n) | BigInt((this.#buffer[index] as number) & 0x7f);
    }
    return BigInt.asIntN(64, value);
  }

  /** Value of type int32 or enum: the low 32 bits, as every protobuf library takes them. */
  int32(): number {
    let value = 0;
    const start = this.#position;
    this.#skipVarint();
    const end = Math.min(this.#position, start + 5);
    for (let index = start, shift = 0; index < end; index++, shift += 7) {
      value |= ((this.#buffer[index] as number) & 0x7f) << shift;
    }
    return value;
  }

  /** Value of type bool. */
  bool(): boolean {
    return this.#uint64() !== 0;
  }

  /** Value of type string as its bytes; refused when these are not UTF-8. */
  byteString(): ByteString {
    const length = this.#length();
    const start = this.#position;
    this.#advance(length);
    const value = this.#buffer.toString("latin1", start, this.#position);
    this.#verifyUtf8(value, start);
    return value;
  }

  /** Value of type string as text; refused when it is not UTF-8. */
  text(): string {
    const value = this.byteString();
    if (!/[^\x00-\x7f]/.test(value)) return value;
    return this.#buffer.toString("utf8", this.#position - value.length, this.#position);
  }

  /** Value of type bytes as a view of the input. */
  bytes(): Uint8Array {
    const length = this.#length();
    const start = this.#position;
    this.#advance(length);
    return this.#buffer.subarray(start, this.#position);
  }

  /** Reads a sub-message; `previous` is what an earlier occurrence of the field gave, to merge with. */
  message<T>(read: (reader: ProtoReader, previous: T | undefined) => T, previous?: T): T {
    const length = this.#length();
    const outerEnd = this.#end;
    if (length > outerEnd - this.#position) throw malformed("truncated field");
    if (++this.#depth > depthLimit) throw malformed("nesting too deep");
    this.#end = this.#position + length;
    const value = read(this, previous);
    this.#end = outerEnd;
    this.#depth--;
    return value;
  }

  #verifyUtf8(value: ByteString, start: number): void {
    if (/[^\x00-\x7f]/.test(value) && !isUtf8(this.#buffer.subarray(start, this.#position))) {
      throw invalidReceivedText();
    }
  }

  #uint64(): number {
    const buffer = this.#buffer;
    const start = this.#position;
    let value = 0;
    let factor = 1;
    for (let index = start; index < this.#end; index++) {
      const byte = buffer[index] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (index - start === 9 && byte > 1) throw malformed("varint overflow");
        this.#position = index + 1;
        return value;
      }
      if (index - start === 9) throw malformed("varint overflow");
      factor *= 128;
    }
    throw malformed("truncated varint");
  }

  #skipVarint(): void {
    this.#uint64();
  }

  #length(): number {
    return this.#uint64();
  }

  #advance(length: number): void {
    if (length > this.#end - this.#position) throw malformed("truncated field");
    this.#position += length;
  }

  #skipGroup(field: number): void {
    if (++this.#depth > depthLimit) throw malformed("nesting too deep");
    while (this.next()) {
      if ((this.tag & 7) === wireGroupEnd) {
        if (this.tag >>> 3 !== field) throw malformed("group ends with another number");
        this.#depth--;
        return;
      }
      this.skip();
    }
    throw malformed("truncated group");
  }
}
