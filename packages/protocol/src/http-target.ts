import { type ByteString, bytesToText, goQuote, OutriggerError } from "@outrigger/core";

/** Bytes that Go leaves as they are in a path that is otherwise escaped (RFC 3986 pchar and `/`, `[`, `]`). */
const validEncodedPath = /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@[\]/]|%[0-9A-Fa-f]{2})*$/;

/** Bytes that need no escape when a path is encoded anew. */
const unescaped = /[A-Za-z0-9\-_.~$&+,/:;=@]/;

/**
 * The request target at an HTTP server for a normalised method, by the rules of Go's `net/url`, which is
 * what Dapr builds it with: a valid path goes out as it is, any other is decoded and encoded anew.
 * @throws OutriggerError `OTR_METHOD_INVALID` for a `%` that starts no escape.
 */
export function httpTarget(baseUrl: string, method: ByteString, query: ByteString): ByteString {
  const path = method === "" || method.startsWith("/") ? method : `/${method}`;
  const encoded = encodePath(path, () => httpUrl(baseUrl, method, query));
  const search = cutFragment(query);
  return `${encoded === "" ? "/" : encoded}${search === "" ? "" : `?${search}`}`;
}

/** The URL that error texts show. */
export function httpUrl(baseUrl: string, method: ByteString, query: ByteString): string {
  const slash = method === "" || method.startsWith("/") ? "" : "/";
  return `${baseUrl}${slash}${method}${query === "" ? "" : `?${query}`}`;
}

function encodePath(path: ByteString, url: () => string): ByteString {
  if (validEncodedPath.test(path)) return path;
  const badEscape = /%(?![0-9A-Fa-f]{2})/.exec(path);
  if (badEscape !== null) {
    const escapeText = goQuote(path.slice(badEscape.index, badEscape.index + 3));
    throw new OutriggerError(`parse ${goQuote(url())}: invalid URL escape ${escapeText}`, {
      code: "OTR_METHOD_INVALID",
      details: { method: bytesToText(path) },
    });
  }
  const decoded = path.replace(/%([0-9A-Fa-f]{2})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  let encoded = "";
  for (const character of decoded) {
    encoded += unescaped.test(character) ? character : percent(character);
  }
  return encoded;
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

function cutFragment(query: ByteString): ByteString {
  const hash = query.indexOf("#");
  return hash < 0 ? query : query.slice(0, hash);
}
