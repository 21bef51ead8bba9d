import type { ByteString } from "./call.ts";

/** A path without its escapes, as text: what Go's `URL.Path` holds. An escape that is none stays. */
export function decodedPath(path: ByteString): string {
  if (/^[\x00-\x24\x26-\x7f]*$/.test(path)) return path;
  const bytes = path.replace(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
