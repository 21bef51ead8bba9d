import type { ByteString } from "@outrigger/core";

const malformedEscape = /%(?![0-9A-Fa-f]{2})/;

/** True when every `%` starts an escape. Go's server refuses other targets before any handler runs. */
export function isWellEscaped(text: ByteString): boolean {
  return !text.includes("%") || !malformedEscape.test(text);
}

/** Decodes escapes into bytes, once. What is no escape stays. */
export function unescapeBytes(text: ByteString): ByteString {
  if (!text.includes("%")) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Decodes as in a query: `+` is a space. */
export function unescapeQuery(text: ByteString): ByteString {
  return unescapeBytes(text.replaceAll("+", " "));
}
