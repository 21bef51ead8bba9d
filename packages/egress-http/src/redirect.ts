import { type BodyStream, bytesToText, emptyBody, headerValue, isBuffered } from "@outrigger/core";
import { type BaseUrl, methodUrl, parseBaseUrl } from "./base-url.ts";
import type { EngineAnswer } from "./engine-answer.ts";
import { type FailedRequest, failed } from "./failure.ts";
import type { FixedHeaders, RequestHead } from "./request-head.ts";

/** Requests that one call makes at most, as Go's HTTP client. */
export const maxRequests = 10;

/** One request of a call that redirects lead on. */
export interface Hop {
  readonly base: BaseUrl;
  readonly head: RequestHead;
  /** A redirect led away from the first host: from then on credentials stay at home. */
  readonly hasLeft: boolean;
}

/** What the redirects of one call start from. */
export interface RedirectOrigin {
  readonly first: Hop;
  /** The endpoint's own headers. */
  readonly fixed: FixedHeaders;
}

/** 307 and 308 would need the body again, which Dapr never keeps: they are the caller's. */
const followed: ReadonlySet<number> = new Set([301, 302, 303]);

/**
 * The request that a redirect asks for, by the rules of Go's HTTP client: a GET without a body,
 * unless it was HEAD.
 * @returns `undefined` for an answer that is the caller's.
 * @throws OutriggerError `OTR_EXTERNAL_FAILED` for a redirect to nowhere.
 */
export function redirectOf(
  answer: EngineAnswer,
  hop: Hop,
  origin: RedirectOrigin,
): Hop | undefined {
  if (!followed.has(answer.status)) return undefined;
  const location = bytesToText(headerValue(answer.headers, "location") ?? "");
  if (location === "") return undefined;
  const request = { method: origin.first.head.method, url: hop.head.url };
  const base = baseOf(location, hop, request);
  const hasLeft = hop.hasLeft || isAway(origin.first.base, base);
  const { target, url } = methodUrl(base, "", "");
  const method = hop.head.method === "HEAD" ? "HEAD" : "GET";
  const headers = headersOf(origin, hop, base, hasLeft);
  return { base, hasLeft, head: { method, path: target, headers, url, contentLength: 0 } };
}

function baseOf(location: string, hop: Hop, request: FailedRequest): BaseUrl {
  const current = urlOf(hop);
  const url = URL.canParse(location, current) ? new URL(location, current) : undefined;
  if (url === undefined) {
    const text = `failed to parse Location header ${JSON.stringify(location)}`;
    throw failed(request, text);
  }
  if (url.protocol === "http:" || url.protocol === "https:") return parseBaseUrl(url.href);
  const scheme = JSON.stringify(url.protocol.slice(0, -1));
  throw failed({ ...request, url: location }, `unsupported protocol scheme ${scheme}`);
}

/** Without user and password, and with the target as it was sent. */
function urlOf({ base, head }: Hop): string {
  return `${base.scheme}://${base.authority}${head.path}`;
}

/** Another host than the first one and its subdomains, or its own without TLS where there was some. */
function isAway(first: BaseUrl, next: BaseUrl): boolean {
  if (first.scheme === "https" && next.scheme === "http") return true;
  return next.host !== first.host && !isSubdomain(next.host, first.host);
}

function isSubdomain(host: string, parent: string): boolean {
  // Addresses have dots or colons too, but no subdomains.
  return /[a-z]/.test(parent) && !/[:%]/.test(host) && host.endsWith(`.${parent}`);
}

/** Of the content that is not sent again; with it goes the wish to be asked for it. */
const contentHeaders: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-language",
  "content-location",
  "content-type",
  "expect",
]);

const credentialHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "www-authenticate",
  "cookie",
  "cookie2",
  "proxy-authorization",
  "proxy-authenticate",
]);

function headersOf(
  { first, fixed }: RedirectOrigin,
  hop: Hop,
  base: BaseUrl,
  hasLeft: boolean,
): string[] {
  const headers = ["Host", base.authority];
  // A subdomain may be somebody else's: what the document sets is for its own host alone.
  const isHome = !hasLeft && base.host === first.base.host;
  const names = new Set<string>();
  const sent = first.head.headers;
  for (let index = 0; index < sent.length; index += 2) {
    const name = sent[index] as string;
    const lower = name.toLowerCase();
    if (lower === "host" || contentHeaders.has(lower)) continue;
    if (hasLeft && credentialHeaders.has(lower)) continue;
    if (!isHome && fixed.lowerNames.has(lower)) continue;
    names.add(lower);
    headers.push(name, sent[index + 1] as string);
  }
  // Other hosts need not learn the URL, which may hold something secret.
  const isTold = hop.base.host === base.host && hop.base.scheme <= base.scheme;
  if (isTold && !names.has("referer")) headers.push("Referer", urlOf(hop));
  if (base.authorization !== undefined && !names.has("authorization")) {
    headers.push("Authorization", base.authorization);
  }
  return headers;
}

/** Gives up what is left of an answer that nobody reads. */
export function discard({ body }: EngineAnswer): void {
  if (isBuffered(body)) return;
  const stream: BodyStream = body;
  stream[Symbol.asyncIterator]()
    .return?.()
    .catch(() => undefined);
}

/** The body of a request that follows a redirect. */
export const redirectBody: Uint8Array = emptyBody;
