import type { ByteString } from "@outrigger/core";

/** What the rules need to know about a header name; derived once per spelling. */
export interface HeaderName {
  readonly lower: ByteString;
  readonly canonical: ByteString;
  /** Meaningful for one connection only, so never forwarded. */
  readonly hopByHop: boolean;
}

// Names come from peers, so the cache is bounded; starting over when it is full keeps it useful
// after somebody has flooded it.
const cacheLimit = 1024;
const longestCachedName = 64;
const cache = new Map<ByteString, HeaderName>();

const hopByHopNames: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "te",
  "trailer",
  "proxy-authorization",
  "proxy-authenticate",
]);

/** Looks up or derives the facts about a name. */
export function headerName(name: ByteString): HeaderName {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const lower = lowerCaseAscii(name);
  const facts = { lower, canonical: canonicalize(name), hopByHop: hopByHopNames.has(lower) };
  if (name.length <= longestCachedName) {
    if (cache.size >= cacheLimit) cache.clear();
    cache.set(name, facts);
  }
  return facts;
}

/**
 * Go's canonical form: first letter and every letter after `-` upper case, the rest lower case. A name with
 * bytes that are no token stays as it is (Go `textproto.CanonicalMIMEHeaderKey`).
 */
export function canonicalHeaderName(name: ByteString): ByteString {
  return headerName(name).canonical;
}

/** Lower-cases A to Z only: `toLowerCase` would change bytes above 0x7F. */
export function lowerCaseAscii(name: ByteString): ByteString {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function canonicalize(name: ByteString): ByteString {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return name;
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (match) => match.toUpperCase());
}

/**
 * Lower-case names listed in any `Connection` header; `undefined` when there is none, which is
 * nearly always.
 */
export function namesInConnection(list: readonly ByteString[]): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = list[index] as ByteString;
    if (name.length !== 10 || headerName(name).lower !== "connection") continue;
    names ??= new Set();
    for (const part of (list[index + 1] as ByteString).split(",")) {
      names.add(lowerCaseAscii(part.trim()));
    }
  }
  return names;
}
