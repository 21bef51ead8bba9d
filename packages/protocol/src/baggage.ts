import { type ByteString, goQuote } from "@outrigger/core";

const memberLimit = 64;
const byteLimit = 8192;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// Printable ASCII except space, double quote, comma, semicolon and backslash (W3C Baggage, section 3.2).
const valueText = /^[!#-+\--:<-[\]-~]*$/;

/**
 * Checks a `baggage` header (W3C Baggage) as Dapr does.
 * @returns `undefined` when it is valid, else what is wrong with it, in the words of OpenTelemetry for Go.
 */
export function isValidBaggage(text: ByteString): string | undefined {
  if (text === "") return undefined;
  if (text.length > byteLimit) return `baggage-string too large: ${text.length}`;
  const members = text.split(",");
  const keys = new Set<string>();
  for (const member of members) {
    const problem = checkMember(member, keys);
    if (problem !== undefined) return problem;
  }
  // A repeated key replaces the earlier member, so it counts once.
  return keys.size > memberLimit ? "too many list-members in baggage-string" : undefined;
}

/**
 * Writes a valid `baggage` header anew, as OpenTelemetry for Go does: without blanks, the last of
 * members with the same key, and only what needs an escape in one.
 */
export function normalizeBaggage(text: ByteString): ByteString {
  const members = new Map<string, string>();
  for (const member of text.split(",")) {
    const [pair = "", ...properties] = member.split(";");
    const separator = pair.indexOf("=");
    if (separator === -1) continue;
    const key = trim(pair.slice(0, separator));
    const parts = [pair, ...properties].map(normalizePair);
    members.set(key, parts.join(";"));
  }
  return [...members.values()].join(",");
}

function normalizePair(pair: ByteString): ByteString {
  const separator = pair.indexOf("=");
  if (separator === -1) return trim(pair);
  const value = trim(pair.slice(separator + 1)).replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    const isPlain = character !== "%" && valueText.test(character);
    return isPlain ? character : escaped.toUpperCase();
  });
  return `${trim(pair.slice(0, separator))}=${value}`;
}

function checkMember(member: ByteString, keys: Set<string>): string | undefined {
  const [pair = "", ...properties] = member.split(";");
  for (const property of properties) {
    if (!isProperty(property)) {
      return `invalid baggage list-member property: ${goQuote(property)}`;
    }
  }
  const separator = pair.indexOf("=");
  if (separator === -1) return `invalid baggage list-member: ${goQuote(member)}`;
  const key = trim(pair.slice(0, separator));
  if (!token.test(key)) return `invalid key: ${goQuote(key)}`;
  keys.add(key);
  const value = trim(pair.slice(separator + 1));
  if (!valueText.test(value)) return `invalid value: ${goQuote(value)}`;
  const broken = badEscape(value);
  return broken === undefined ? undefined : `invalid value: invalid URL escape ${goQuote(broken)}`;
}

function isProperty(property: ByteString): boolean {
  const separator = property.indexOf("=");
  if (separator === -1) return token.test(trim(property));
  const value = trim(property.slice(separator + 1));
  return (
    token.test(trim(property.slice(0, separator))) &&
    valueText.test(value) &&
    badEscape(value) === undefined
  );
}

/** The first percent sign that two hex digits do not follow, with what follows instead. */
function badEscape(value: ByteString): string | undefined {
  const match = /%(?![0-9A-Fa-f]{2})/.exec(value);
  return match === null ? undefined : value.slice(match.index, match.index + 3);
}

/** Removes ASCII space only: `String.trim` would also take the byte 0xA0. */
function trim(text: ByteString): ByteString {
  return text.replace(/^[\t-\r ]+|[\t-\r ]+$/g, "");
}
