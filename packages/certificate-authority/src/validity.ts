import { randomBytes } from "node:crypto";

/** Certificates count whole seconds; what is below is cut off. */
export function wholeSeconds(epochMs: number): Date {
  return new Date(Math.floor(epochMs / 1_000) * 1_000);
}

/** 128 random bits in hexadecimal (RFC 5280 section 4.1.2.2 asks for a positive number). */
export function randomSerial(): string {
  const bytes = randomBytes(16);
  return bytes.every((byte) => byte === 0) ? randomSerial() : bytes.toString("hex");
}
