import { type HeaderList, OutriggerError, type ReceivedCall, textToBytes } from "@outrigger/core";
import {
  canonicalHeaderName,
  httpContentLength,
  httpRequestHeaders,
  httpVerbOf,
} from "@outrigger/protocol";
import { type BaseUrl, methodUrl } from "./base-url.ts";

/** A request before any engine sees it. */
export interface RequestHead {
  readonly method: string;
  /** Request target. */
  readonly path: string;
  /** With `Host`, without framing. */
  readonly headers: HeaderList;
  /** For error texts. */
  readonly url: string;
  /** `undefined`: chunked. */
  readonly contentLength: number | undefined;
}

/** Headers that a document sets on each request of its endpoint. */
export interface FixedHeaders {
  readonly list: HeaderList;
  readonly lowerNames: ReadonlySet<string>;
}

/** The sidecars' own secret, which is nobody else's business, and what comes from the URL. */
const neverSent: ReadonlySet<string> = new Set(["dapr-api-token", "host"]);

/** What a document cannot set: the target, the trace and the framing of each request. */
const notSettable: ReadonlySet<string> = new Set([
  "host",
  "traceparent",
  "content-length",
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "te",
  "trailer",
  "expect",
]);

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** @throws OutriggerError `OTR_OPTIONS_INVALID` for what HTTP cannot carry; values stay out of the text. */
export function fixedHeaders(headers: readonly (readonly [string, string])[]): FixedHeaders {
  const latest = new Map<string, readonly [string, string]>();
  headers.forEach(([name, text], index) => {
    const value = textToBytes(text).trim();
    if (!token.test(name)) throw invalid(`headers[${index}].name: is no header name`);
    if (!fieldValue.test(value)) {
      throw invalid(`headers[${index}] (${name}): the value has control characters`);
    }
    const lower = name.toLowerCase();
    // The last one of a name counts, as each replaces what was there.
    if (!notSettable.has(lower)) latest.set(lower, [canonicalHeaderName(name), value]);
  });
  return { list: [...latest.values()].flat(), lowerNames: new Set(latest.keys()) };
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}

/** @throws OutriggerError with the status that Dapr gives for a call that is no HTTP request. */
export function requestHead(
  call: ReceivedCall,
  base: BaseUrl,
  fixed: FixedHeaders,
  traceContext: boolean,
): RequestHead {
  const method = httpVerbOf(call);
  const { target, url } = methodUrl(base, call.method, call.http?.query ?? "");
  return {
    method,
    path: target,
    headers: headersOf(call, base, fixed, traceContext),
    url,
    contentLength: httpContentLength(call),
  };
}

function headersOf(
  call: ReceivedCall,
  base: BaseUrl,
  fixed: FixedHeaders,
  traceContext: boolean,
): HeaderList {
  const sent = httpRequestHeaders(call, traceContext);
  const headers = ["Host", base.authority];
  let authorized = fixed.lowerNames.has("authorization");
  for (let index = 0; index < sent.length; index += 2) {
    const name = sent[index] as string;
    const lower = name.toLowerCase();
    if (neverSent.has(lower) || fixed.lowerNames.has(lower)) continue;
    if (lower === "authorization") authorized = true;
    headers.push(name, sent[index + 1] as string);
  }
  headers.push(...fixed.list);
  if (base.authorization !== undefined && !authorized) {
    headers.push("Authorization", base.authorization);
  }
  return headers;
}
