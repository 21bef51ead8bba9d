import {
  bytesToText,
  errorText,
  type HeaderList,
  type HttpRequest,
  type HttpResponse,
  headerValue,
  type InvokeRequest,
  type InvokeResponse,
  isBuffered,
  isHttpStatus,
  isOutriggerError,
  RpcCode,
  type Sidecar,
  type Span,
} from "@outrigger/core";
import {
  decodeTraceBin,
  formatTraceparent,
  type HttpHeadersResult,
  metadataToHttpHeaders,
  rpcCodeToHttpStatus,
  statusToJson,
  toHttpMetadata,
} from "@outrigger/protocol";
import { jsonError } from "./answers.ts";
import { type CallTarget, withoutAppId } from "./call-target.ts";
import { detectContentType } from "./detect-content-type.ts";
import { sniffStream } from "./sniff-stream.ts";

/** Answer where neither path nor header names an app. */
export const noTarget: HttpResponse = jsonError(
  404,
  "ERR_DIRECT_INVOKE",
  "failed getting app id either from the URL path or the header dapr-app-id",
);

/** Invokes the target. Never rejects: what the sidecars could not do is an answer too. */
export async function invokeRoute(
  sidecar: Sidecar,
  request: HttpRequest,
  target: CallTarget,
): Promise<HttpResponse> {
  const { trace } = request;
  if (trace?.span !== undefined) nameSpan(trace.span, target);
  try {
    const response = await sidecar.invoke(toInvokeRequest(request, target));
    return isHttpStatus(response.status.code)
      ? await fromHttpApp(request, response, isOwnApp(sidecar, target.id))
      : fromGrpcApp(response);
  } catch (reason) {
    return failure(target.id, reason);
  }
}

function nameSpan(span: Span, { id, method }: CallTarget): void {
  span.name = `CallLocal/${id}/${bytesToText(method)}`;
  span.set("rpc.service", "ServiceInvocation");
  span.set("net.peer.name", id);
}

function toInvokeRequest(request: HttpRequest, target: CallTarget): InvokeRequest {
  const { headers, body, bodyLength, signal, trace } = request;
  const metadata = toHttpMetadata(target.byHeader ? withoutAppId(headers) : headers);
  return {
    target: target.id,
    method: target.method,
    http: { verb: toVerb(request.method), query: request.query },
    origin: "http",
    metadata: wantsEvents(request) ? withPlainAccept(metadata) : metadata,
    contentType: headerValue(headers, "content-type") ?? "",
    typeUrl: "",
    body,
    bodyLength,
    signal,
    trace,
  };
}

const verbs = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"],
]);

/** Known verbs in any case; every other one is delivered as POST, as Dapr does. */
function toVerb(method: string): string {
  if (verbs.has(method)) return method;
  const upper = method.toUpperCase();
  return verbs.has(upper) ? upper : "POST";
}

async function fromHttpApp(
  request: HttpRequest,
  response: InvokeResponse,
  ownApp: boolean,
): Promise<HttpResponse> {
  const { code } = response.status;
  const converted = metadataToHttpHeaders(response.headers);
  const headers = [...converted.headers];
  if (converted.traceparent !== undefined) headers.push("Traceparent", converted.traceparent);
  if (converted.tracestate !== undefined) headers.push("Tracestate", converted.tracestate);
  const events = wantsEvents(request) && code >= 200 && code < 300;
  if (events && !ownApp) return eventStream(headers, response);
  const contentType = response.contentType || defaultContentType(request, response);
  if (contentType === "" && !isBuffered(response.body) && code !== 204 && code !== 304) {
    const sniffed = await sniffStream(response.body);
    if (sniffed.contentType !== "") headers.push("Content-Type", sniffed.contentType);
    return { status: events ? 200 : code, headers, body: sniffed.body };
  }
  if (contentType !== "") headers.push("Content-Type", contentType);
  return { status: events ? 200 : code, headers, body: response.body };
}

/** Dapr relays events of other apps under headers of its own (`pkg/sse/sse.go`). */
function eventStream(headers: string[], response: InvokeResponse): HttpResponse {
  const own = ["cache-control", "connection", "content-type"];
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!own.includes(name.toLowerCase())) kept.push(name, headers[index + 1] as string);
  }
  kept.push("Content-Type", "text/event-stream", "Cache-Control", "no-cache");
  kept.push("Connection", "keep-alive");
  return { status: 200, headers: kept, body: response.body };
}

function wantsEvents(request: HttpRequest): boolean {
  const accept = headerValue(request.headers, "accept");
  return accept !== undefined && accept.trim().toLowerCase() === "text/event-stream";
}

/** The app sees the trigger of events in its usual spelling, as recorded Dapr behaviour has it. */
function withPlainAccept(metadata: HeaderList): HeaderList {
  return metadata.map((text, index) =>
    index % 2 === 1 && metadata[index - 1] === "Accept" ? "text/event-stream" : text,
  );
}

/** Go's server sniffs; the answers that Dapr buffers become JSON instead. */
function defaultContentType(request: HttpRequest, response: InvokeResponse): string {
  const { code } = response.status;
  const buffered = request.bodyLength !== undefined && (code < 200 || code >= 400);
  if (buffered) return "application/json";
  const { body } = response;
  if (code === 204 || code === 304 || !isBuffered(body) || body.length === 0) return "";
  return detectContentType(body);
}

function fromGrpcApp(response: InvokeResponse): HttpResponse {
  const { status } = response;
  const converted = metadataToHttpHeaders(response.headers);
  const metadata = [...converted.headers, ...grpcAppTrace(converted)];
  if (status.code === RpcCode.OK) {
    const type = response.typeUrl === "" ? response.contentType : "application/x-protobuf";
    const body = response.body;
    const sniffed = isBuffered(body) && body.length > 0 ? detectContentType(body) : "";
    const contentType = type || sniffed;
    const headers = contentType === "" ? [] : ["Content-Type", contentType];
    return { status: 200, headers: [...metadata, ...headers], body };
  }
  try {
    return {
      status: rpcCodeToHttpStatus(status.code),
      headers: [...metadata, "Content-Type", response.contentType || "text/plain; charset=utf-8"],
      body: Buffer.from(statusToJson(status)),
    };
  } catch (reason) {
    return jsonError(500, "ERR_MALFORMED_RESPONSE", errorText(reason));
  }
}

/** A trace of a gRPC app's own; its text form counts for nothing (Dapr `pkg/messaging/v1/util.go`). */
function grpcAppTrace({ grpcTraceBin }: HttpHeadersResult): HeaderList {
  const span = grpcTraceBin === undefined ? undefined : decodeTraceBin(grpcTraceBin);
  return span === undefined ? [] : ["Traceparent", formatTraceparent(span)];
}

function isOwnApp(sidecar: Sidecar, id: string): boolean {
  return id === sidecar.appId || id === `${sidecar.appId}.${sidecar.namespace}`;
}

/** Only a refusal by access control has a status of its own; everything else is 500, as in Dapr. */
function failure(id: string, reason: unknown): HttpResponse {
  const denied = isOutriggerError(reason) && reason.rpc?.code === RpcCode.PERMISSION_DENIED;
  const message = `failed to invoke, id: ${id}, err: ${bytesToText(errorText(reason))}`;
  return jsonError(denied ? 403 : 500, "ERR_DIRECT_INVOKE", message);
}
