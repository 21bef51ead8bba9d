import {
  type ByteString,
  type HeaderList,
  isBuffered,
  OutriggerError,
  type ReceivedCall,
  RpcCode,
  rpcError,
} from "@outrigger/core";
import { metadataToHttpHeaders } from "./metadata-to-http.ts";
import { newTraceContext } from "./new-trace.ts";

/**
 * The verb of a call that becomes an HTTP request.
 * @throws OutriggerError with the status that Dapr gives for a call that is no HTTP request.
 */
export function httpVerbOf(call: ReceivedCall): string {
  const { http } = call;
  if (http === undefined) throw invalidArgument("missing HTTP extension field");
  if (http.verb === "" || http.verb === "CONNECT") throw invalidArgument("invalid HTTP verb");
  return http.verb;
}

function invalidArgument(message: string): OutriggerError {
  return rpcError("OTR_METHOD_INVALID", { code: RpcCode.INVALID_ARGUMENT, message });
}

/**
 * The headers of a call as an HTTP server gets them, but for host and length.
 * @param traceContext whether a `traceparent` is always there, as Dapr promises: a made-up one when nobody traces.
 */
export function httpRequestHeaders(call: ReceivedCall, traceContext: boolean): ByteString[] {
  const converted = metadataToHttpHeaders(call.metadata);
  const headers = [...converted.headers];
  const contentType = call.typeUrl === "" ? call.contentType : "application/x-protobuf";
  if (contentType !== "") headers.push("Content-Type", contentType);
  if (!headers.includes("User-Agent")) headers.push("User-Agent", "Go-http-client/1.1");
  addTrace(headers, call, converted, traceContext);
  return headers;
}

function addTrace(
  headers: ByteString[],
  call: ReceivedCall,
  client: { readonly traceparent: string | undefined; readonly tracestate: string | undefined },
  always: boolean,
): void {
  const own = call.trace !== undefined && !isZero(call.trace.traceparent) ? call.trace : undefined;
  const traceparent =
    own?.traceparent ??
    client.traceparent ??
    (always ? newTraceContext(Math.random).traceparent : undefined);
  const tracestate = own?.tracestate || client.tracestate;
  if (traceparent !== undefined) headers.push("Traceparent", traceparent);
  if (tracestate) headers.push("Tracestate", tracestate);
}

function isZero(traceparent: string): boolean {
  return traceparent.startsWith("00-00000000000000000000000000000000");
}

/** The headers without one of them. */
export function withoutHeader(headers: HeaderList, lowerCaseName: string): ByteString[] {
  const kept: ByteString[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as ByteString;
    if (name.toLowerCase() !== lowerCaseName) kept.push(name, headers[index + 1] as ByteString);
  }
  return kept;
}

/**
 * The length to declare; `undefined` stands for chunks.
 * @throws OutriggerError `OTR_APP_FAILED` when the caller declared another length than it sent.
 */
export function httpContentLength(call: ReceivedCall): number | undefined {
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
  return declared;
}
