/**
 * Writes a status message for the trailer `grpc-message`: the UTF-8 bytes outside 0x20 to 0x7E and
 * `%` become `%XX` (gRPC over HTTP/2, "Status-Message").
 */
export function encodeGrpcMessage(message: string): string {
  if (!/[^ -$&-~]/.test(message)) return message;
  let encoded = "";
  for (const byte of Buffer.from(message, "utf8")) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** Reads the trailer `grpc-message`. What is not an escape is kept: a broken message beats none. */
export function decodeGrpcMessage(encoded: string): string {
  if (!/[%\x80-\xff]/.test(encoded)) return encoded;
  const bytes = encoded.replace(/%([0-9A-Fa-f]{2})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
