import type { HeaderList } from "@outrigger/core";

/** A `-bin` header whose value is no base64. */
export interface BrokenBinary {
  readonly name: string;
  readonly value: string;
  /** In the words of Go's base64 decoder. */
  readonly reason: string;
}

/**
 * The last broken `-bin` header of a list, which is the one that Go's gRPC library tells. Values that an
 * HTTP/2 stack joined with commas are fine (gRPC `PROTOCOL-HTTP2.md`, "Custom-Metadata").
 */
export function brokenBinary(headers: HeaderList): BrokenBinary | undefined {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    const name = headers[index] as string;
    if (!name.endsWith("-bin")) continue;
    const value = headers[index + 1] as string;
    const broken = value.split(",").some((part) => illegalAt(part.trim()) !== undefined);
    if (!broken) continue;
    const position = illegalAt(value) ?? 0;
    return { name, value, reason: `illegal base64 data at input byte ${position}` };
  }
  return undefined;
}

const alphabet = /^[A-Za-z0-9+/]*/;

/**
 * Where Go's decoder stops, by which it tells errors: with padding when the length is a multiple of
 * four, else without.
 */
function illegalAt(value: string): number | undefined {
  const legal = (alphabet.exec(value) as RegExpExecArray)[0].length;
  const rest = value.slice(legal);
  if (value.length % 4 !== 0) {
    if (rest !== "") return legal;
    return legal % 4 === 1 ? legal - 1 : undefined;
  }
  if (rest === "") return undefined;
  const padding = 4 - (legal % 4);
  const isPadded = rest[0] === "=" && (padding === 1 || (padding === 2 && rest[1] === "="));
  if (!isPadded) return legal;
  return rest.length === padding ? undefined : legal + padding;
}
