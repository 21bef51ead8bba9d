import {
  type HeaderList,
  isBuffered,
  OutriggerError,
  type ReceivedCall,
  RpcCode,
  rpcError,
} from "@outrigger/core";
import { metadataToHttpHeaders } from "@outrigger/protocol";
import { appTarget, appUrl } from "./app-path.ts";
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

/** Sent when nobody traces: Dapr promises that the header is there. */
const noTraceparent = `00-${"0".repeat(32)}-${"0".repeat(16)}-00`;

/** @throws OutriggerError with the status that Dapr gives for a call that is no HTTP request. */
export function requestHead(
  call: ReceivedCall,
  settings: ChannelSettings,
  baseUrl: string,
): RequestHead {
  const { http } = call;
  if (http === undefined) throw invalidArgument("missing HTTP extension field");
  if (http.verb === "" || http.verb === "CONNECT") throw invalidArgument("invalid HTTP verb");
  return {
    method: http.verb,
    path: appTarget(baseUrl, call.method, http.query),
    headers: requestHeaders(call, settings),
    url: appUrl(baseUrl, call.method, http.query),
    contentLength: contentLength(call),
  };
}

function invalidArgument(message: string): OutriggerError {
  return rpcError("OTR_METHOD_INVALID", { code: RpcCode.INVALID_ARGUMENT, message });
}

function requestHeaders(call: ReceivedCall, settings: ChannelSettings): HeaderList {
  const converted = metadataToHttpHeaders(call.metadata);
  const headers = settings.appToken
    ? withoutHeader(converted.headers, "dapr-api-token")
    : [...converted.headers];
  if (settings.appToken) headers.push("Dapr-Api-Token", settings.appToken);
  const contentType = call.typeUrl === "" ? call.contentType : "application/x-protobuf";
  if (contentType !== "") headers.push("Content-Type", contentType);
  if (!hasUserAgent(headers)) headers.push("User-Agent", "Go-http-client/1.1");
  addTrace(headers, call, converted, settings.traceContext);
  return headers;
}

function addTrace(
  headers: string[],
  call: ReceivedCall,
  client: { readonly traceparent: string | undefined; readonly tracestate: string | undefined },
  always: boolean,
): void {
  const own = call.trace !== undefined && !isZero(call.trace.traceparent) ? call.trace : undefined;
  const traceparent =
    own?.traceparent ?? client.traceparent ?? (always ? noTraceparent : undefined);
  const tracestate = own?.tracestate || client.tracestate;
  if (traceparent !== undefined) headers.push("Traceparent", traceparent);
  if (tracestate) headers.push("Tracestate", tracestate);
}

function isZero(traceparent: string): boolean {
  return traceparent.startsWith("00-00000000000000000000000000000000");
}

function hasUserAgent(headers: HeaderList): boolean {
  return headers.includes("User-Agent");
}

function withoutHeader(headers: HeaderList, lowerCaseName: string): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.toLowerCase() !== lowerCaseName) kept.push(name, headers[index + 1] as string);
  }
  return kept;
}

function contentLength(call: ReceivedCall): number | undefined {
  if (!isBuffered(call.body)) return call.bodyLength;
  const declared = call.bodyLength;
  // Of unknown length when it set out: chunked on arrival too, unless nothing came.
  if (declared === undefined) return call.body.length === 0 ? 0 : undefined;
  if (declared !== call.body.length) {
    throw new OutriggerError(
      `http: ContentLength=${declared} with Body length ${call.body.length}`,
      { code: "OTR_APP_FAILED" },
    );
  }
  // A chunked request stays one, even when all of it is here already.
  return declared === undefined && call.body.length > 0 ? undefined : call.body.length;
}
