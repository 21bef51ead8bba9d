import { type HeaderList, headerValue, type ReceivedCall } from "@outrigger/core";
import {
  httpContentLength,
  httpRequestHeaders,
  httpTarget,
  httpUrl,
  httpVerbOf,
  withoutHeader,
} from "@outrigger/protocol";
import type { ChannelSettings } from "./options.ts";

/** A request to the app before any engine sees it. */
export interface RequestHead {
  readonly method: string;
  /** Request target. */
  readonly path: string;
  readonly headers: HeaderList;
  /** For error texts. */
  readonly url: string;
  /** `undefined`: chunked. */
  readonly contentLength: number | undefined;
}

/** @throws OutriggerError with the status that Dapr gives for a call that is no HTTP request. */
export function requestHead(
  call: ReceivedCall,
  settings: ChannelSettings,
  baseUrl: string,
): RequestHead {
  const method = httpVerbOf(call);
  const query = call.http?.query ?? "";
  return {
    method,
    path: httpTarget(baseUrl, call.method, query),
    headers: requestHeaders(call, settings),
    url: httpUrl(baseUrl, call.method, query),
    contentLength: httpContentLength(call),
  };
}

function requestHeaders(
  call: ReceivedCall,
  { appToken, protocol, traceContext }: ChannelSettings,
): HeaderList {
  const headers = httpRequestHeaders(call, traceContext);
  if (protocol === "h2c" && headerValue(call.metadata, "user-agent") === undefined) {
    // Go's HTTP/2 client names its own version where the caller named nothing.
    headers[headers.indexOf("User-Agent") + 1] = "Go-http-client/2.0";
  }
  if (!appToken) return headers;
  const own = withoutHeader(headers, "dapr-api-token");
  own.push("Dapr-Api-Token", appToken);
  return own;
}
