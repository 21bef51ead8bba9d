import type { ByteString } from "@outrigger/core";

/**
 * Decodes standard base64, padded or not; `undefined` when it is neither. Node's own decoder
 * ignores whatever it does not understand.
 */
export function decodeBase64(text: ByteString): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (padding > 0 && text.length % 4 !== 0) return undefined;
  if ((text.length - padding) % 4 === 1) return undefined;
  return Buffer.from(text, "base64");
}

/** Standard base64 without padding, as gRPC libraries send `-bin` values. */
export function encodeUnpaddedBase64(bytes: Buffer): string {
  const text = bytes.toString("base64");
  const padding = text.indexOf("=");
  return padding === -1 ? text : text.slice(0, padding);
}
