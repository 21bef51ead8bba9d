import { isUtf8 } from "node:buffer";
import type { ByteString } from "@outrigger/core";
import { varintSize } from "./varint-size.ts";
import { invalidSentText } from "./violation.ts";

/** How a {@link ProtoWriter} starts. */
export interface ProtoWriterOptions {
  /** Bytes left free in front of the message, for example 5 for the frame head of gRPC. Default 0. */
  readonly reserveBytes?: number;
  /** Expected size of the message in bytes; a good guess saves copies. Default 256. */
  readonly sizeHintBytes?: number;
}

// Below this length a loop beats the call into native code.
const shortString = 24;

/**
 * Writes protobuf fields into one growing buffer. Numbers, strings and byte fields with their default value are
 * left out, as proto3 wants it; sub-messages are written even when empty, because their
 * presence means something.
 */
export class ProtoWriter {
  #buffer: Buffer;
  #position: number;

  constructor(options: ProtoWriterOptions = {}) {
    const reserve = options.reserveBytes ?? 0;
    // allocUnsafe serves small sizes from a shared pool: no zeroing and no system call.
    this.#buffer = Buffer.allocUnsafe(reserve + (options.sizeHintBytes ?? 256));
    this.#buffer.fill(0, 0, reserve);
    this.#position = reserve;
  }

  /** The reserved bytes and everything written, as a view of the writer's buffer. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#position);
  }

  /** Field of type uint32, uint64, enum or bool; the value is a non-negative safe integer. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.#ensure(15);
    this.#varint(field * 8);
    this.#varint(value);
  }

  /** Field of type int32 or a signed enum; negative values take ten bytes, as the format has it. */
  int32(field: number, value: number): void {
    if (value >= 0) {
      this.uint(field, value);
      return;
    }
    this.#ensure(15);
    this.#varint(field * 8);
    // Sign extension to 64 bits: the five low bytes carry the value, then all ones.
    let low = value >>> 0;
    for (let index = 0; index < 4; index++) {
      this.#buffer[this.#position++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
    this.#buffer[this.#position++] = low | 0xf0;
    for (let index = 0; index < 4; index++) this.#buffer[this.#position++] = 0xff;
    this.#buffer[this.#position++] = 0x01;
  }

  /** Field of type fixed64; the value is 0 to 2^64 - 1. */
  fixed64(field: number, value: bigint): void {
    this.#ensure(15);
    this.#varint(field * 8 + 1);
    this.#position = this.#buffer.writeBigUInt64LE(value, this.#position);
  }

  /** Field of type fixed32; the value is 0 to 2^32 - 1. */
  fixed32(field: number, value: number): void {
    this.#ensure(15);
    this.#varint(field * 8 + 5);
    this.#position = this.#buffer.writeUInt32LE(value, this.#position);
  }

  /** Field of type bool. */
  bool(field: number, value: boolean): void {
    this.uint(field, value ? 1 : 0);
  }

  /**
   * Field of type string, given as bytes.
   * @throws OutriggerError `OTR_PROTOCOL_VIOLATION` when the bytes are not UTF-8.
   */
  byteString(field: number, value: ByteString): void {
    if (value.length !== 0) this.#byteString(field, value);
  }

  /** Like {@link byteString}, but an empty value is written too: elements of repeated fields. */
  byteStringElement(field: number, value: ByteString): void {
    this.#byteString(field, value);
  }

  /** Field of type string, given as text. */
  text(field: number, value: string): void {
    if (value.length !== 0) this.textElement(field, value);
  }

  /** Like {@link text}, but an empty value is written too: elements of repeated fields. */
  textElement(field: number, value: string): void {
    const length = Buffer.byteLength(value, "utf8");
    this.lengthPrefix(field, length);
    this.#ensure(length);
    this.#position += this.#buffer.write(value, this.#position, length, "utf8");
  }

  /** Field of type bytes; the value is copied. */
  bytes(field: number, value: Uint8Array): void {
    if (value.length === 0) return;
    this.lengthPrefix(field, value.length);
    this.#ensure(value.length);
    this.#buffer.set(value, this.#position);
    this.#position += value.length;
  }

  /** Tag and length of a field whose bytes the caller sends by itself, behind this buffer. */
  lengthPrefix(field: number, length: number): void {
    this.#ensure(15);
    this.#varint(field * 8 + 2);
    this.#varint(length);
  }

  /**
   * Opens a sub-message. With a hint on the same side of each power of 128 as the final size
   * nothing has to be moved.
   * @returns a mark for {@link end}.
   */
  begin(field: number, sizeHintBytes = 0): number {
    this.#ensure(15);
    this.#varint(field * 8 + 2);
    const width = varintSize(sizeHintBytes);
    this.#position += width;
    return this.#position * 8 + width;
  }

  /** Closes the sub-message that `begin` opened. */
  end(mark: number): void {
    const start = Math.floor(mark / 8);
    const reserved = mark % 8;
    const length = this.#position - start;
    const needed = varintSize(length);
    if (needed !== reserved) {
      this.#ensure(needed);
      this.#buffer.copyWithin(start - reserved + needed, start, this.#position);
    }
    this.#position = start - reserved;
    this.#varint(length);
    this.#position += length;
  }

  #byteString(field: number, value: ByteString): void {
    const length = value.length;
    this.lengthPrefix(field, length);
    this.#ensure(length);
    const start = this.#position;
    const ascii = length <= shortString ? this.#copyAscii(value) : isAscii(value);
    if (length > shortString || !ascii) this.#buffer.write(value, start, length, "latin1");
    this.#position = start + length;
    if (!ascii) this.#verifyUtf8(value, start);
  }

  /** Copies while the characters are ASCII; false when one is not. */
  #copyAscii(value: ByteString): boolean {
    const buffer = this.#buffer;
    const start = this.#position;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return false;
      buffer[start + index] = code;
    }
    return true;
  }

  #verifyUtf8(value: ByteString, start: number): void {
    const written = this.#buffer.subarray(start, this.#position);
    // A character above U+00FF is no byte: text got where bytes belong.
    if (/[^\x00-\xff]/.test(value) || !isUtf8(written)) throw invalidSentText();
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#buffer[this.#position++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#buffer[this.#position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#position++] = rest;
  }

  #ensure(more: number): void {
    const needed = this.#position + more;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#position);
    this.#buffer = grown;
  }
}

function isAscii(value: string): boolean {
  return !/[^\x00-\x7f]/.test(value);
}
