import {
  type Body,
  emptyBody,
  errorText,
  type HeaderList,
  headerValue,
  type InvokeResponse,
  type PeerIdentity,
  type ReceivedCall,
  RpcCode,
  rpcError,
  type TraceContext,
  type TransportHandler,
} from "@outrigger/core";
import type { GrpcFrame, GrpcHandler, GrpcServerCall } from "@outrigger/grpc-http2";
import {
  type DecodedInternalInvokeRequest,
  decodeInternalInvokeRequest,
  decodeInternalInvokeRequestStream,
  internalApiVersion,
  isGrpcOrigin,
  type StreamPayload,
  serviceInvocationPaths,
} from "@outrigger/protocol";
import type { CalleeTracing } from "./callee-tracing.ts";
import type { ChunkBuffers } from "./chunk-buffers.ts";
import { PayloadReader, violation } from "./payload-reader.ts";
import type { PeerIdentities } from "./peer-identities.ts";
import { reflectionMethods } from "./reflect.ts";
import { answerStreaming, answerUnary } from "./response.ts";
import { toGrpcStatus } from "./rpc-failure.ts";

/** What the handlers of the internal service work with. */
export interface Callee {
  readonly handler: TransportHandler;
  readonly peers: PeerIdentities;
  readonly tracing: CalleeTracing;
  readonly onRpc: UnaryListener | undefined;
}

/** Told of each call in one message; must not throw. Calls in chunks are not told, as in Dapr. */
export type UnaryListener = (
  /** `/package.Service/Method`. */
  path: string,
  code: number,
  durationMs: number,
  receivedBytes: number,
  sentBytes: number,
) => void;

/** Handlers of Dapr's internal service. */
export function calleeMethods(
  callee: Callee,
  maxMessageBytes: number,
  buffers: ChunkBuffers,
): ReadonlyMap<string, GrpcHandler> {
  const { tracing } = callee;
  return new Map<string, GrpcHandler>([
    ...reflectionMethods,
    [
      serviceInvocationPaths.CallLocalStream,
      (call) => tracing.run(call, (trace) => callLocalStream(callee, call, trace, buffers)),
    ],
    [
      serviceInvocationPaths.CallLocal,
      (call) => tracing.run(call, (trace) => callLocal(callee, call, trace, maxMessageBytes)),
    ],
    [serviceInvocationPaths.CallActor, noActors],
    [serviceInvocationPaths.CallActorReminder, noActors],
    [serviceInvocationPaths.CallActorStream, noActors],
  ]);
}

async function noActors(call: GrpcServerCall): Promise<void> {
  call.finish({ code: RpcCode.UNIMPLEMENTED, message: "actors are not supported" });
}

async function callLocalStream(
  { handler, peers, tracing }: Callee,
  call: GrpcServerCall,
  trace: TraceContext | undefined,
  buffers: ChunkBuffers,
): Promise<void> {
  handler.assertHasApp?.();
  await call.messages.settled();
  const frame = await firstFrame(call);
  const bytes = call.decode(frame);
  const first = decodeInternalInvokeRequestStream(bytes instanceof Promise ? await bytes : bytes);
  const { request } = first;
  if (request?.message === undefined || !request.hasMetadata) {
    throw invalidRequest("request does not contain the required fields in the leading chunk");
  }
  const reader = requestBody(call);
  reader.accept(first.payload);
  const { body, defect } = call.messages.ended
    ? await readEnded(reader)
    : { body: reader, defect: undefined };
  const parts = { body, ownLength: undefined, peer: peers.of(call), trace };
  const received = toReceivedCall(call, request, parts);
  tracing.name(received);
  const response = await deliver(
    handler,
    defect === undefined ? received : { defect, ...received },
  ).catch(neverUnimplemented);
  await answerStreaming(call, request.metadata, response, buffers);
}

async function callLocal(
  callee: Callee,
  call: GrpcServerCall,
  trace: TraceContext | undefined,
  maxMessageBytes: number,
): Promise<void> {
  const { handler, onRpc } = callee;
  const startedAt = performance.now();
  const tell = (code: number, received: number, sent: number): void =>
    onRpc?.(call.path, code, performance.now() - startedAt, received, sent);
  let received = 0;
  try {
    handler.assertHasApp?.();
    const bytes = await call.decode(await firstFrame(call));
    received = bytes.length;
    const response = await deliverWhole(callee, call, trace, bytes);
    tell(RpcCode.OK, received, await answerUnary(call, response, maxMessageBytes));
  } catch (reason) {
    tell(toGrpcStatus(reason).code, received, 0);
    throw reason;
  }
}

function deliverWhole(
  { handler, peers, tracing }: Callee,
  call: GrpcServerCall,
  trace: TraceContext | undefined,
  bytes: Uint8Array,
): Promise<InvokeResponse> {
  const request = decodeInternalInvokeRequest(bytes);
  if (request.message === undefined) throw invalidRequest("field Message is nil");
  const body = request.message.data?.value ?? emptyBody;
  const parts = { body, ownLength: body.length, peer: peers.of(call), trace };
  const received = { ...toReceivedCall(call, request, parts), isUnary: true };
  tracing.name(received);
  return deliver(handler, received);
}

/** A handler that does not look at the defect must not make a success of it. */
async function deliver(handler: TransportHandler, call: ReceivedCall): Promise<InvokeResponse> {
  const response = await handler.receive(call);
  if (call.defect !== undefined) throw appChannelFailure(errorText(call.defect), call.defect);
  return response;
}

async function firstFrame(call: GrpcServerCall): Promise<GrpcFrame> {
  const frame = await call.messages.read();
  if (frame !== undefined) return frame;
  const failure = call.messages.failure ?? { code: RpcCode.UNKNOWN, message: "EOF" };
  throw rpcError("OTR_PROTOCOL_VIOLATION", failure);
}

function requestBody(call: GrpcServerCall): PayloadReader {
  return new PayloadReader({
    messages: call.messages,
    payloadOf: (frame) => {
      const bytes = call.decode(frame);
      return bytes instanceof Promise ? bytes.then(laterPayload) : laterPayload(bytes);
    },
    failure: () => {
      const { failure } = call.messages;
      return failure === undefined ? undefined : rpcError("OTR_ABORTED", failure);
    },
    cancel: () => call.messages.discard(),
  });
}

/** A body that broke off is an error of the app's request, as if the app had been reading it. */
async function readEnded(reader: PayloadReader): Promise<{ body: Body; defect?: Error }> {
  try {
    return { body: await reader.readQueued() };
  } catch (reason) {
    const defect = reason instanceof Error ? reason : new Error(errorText(reason));
    return { body: emptyBody, defect };
  }
}

function laterPayload(bytes: Uint8Array): StreamPayload | undefined {
  const { request, payload } = decodeInternalInvokeRequestStream(bytes);
  if (request !== undefined && (request.hasMetadata || request.message !== undefined)) {
    throw violation("request metadata found in non-leading chunk");
  }
  return payload;
}

/** What a received call has beside what the request says. */
interface ReceivedParts {
  readonly body: Body;
  readonly ownLength: number | undefined;
  readonly peer: PeerIdentity | undefined;
  readonly trace: TraceContext | undefined;
}

function toReceivedCall(
  call: GrpcServerCall,
  request: DecodedInternalInvokeRequest,
  { body, ownLength, peer, trace }: ReceivedParts,
): ReceivedCall {
  const { ver, metadata, message } = request;
  if (message === undefined) throw invalidRequest("field Message is nil");
  const origin = isGrpcOrigin(metadata) ? "grpc" : "http";
  const extension = message.httpExtension;
  return {
    target: "",
    method: message.method,
    http:
      extension === undefined ? undefined : { verb: extension.verb, query: extension.querystring },
    origin,
    metadata,
    contentType: message.contentType,
    typeUrl: message.data?.typeUrl ?? "",
    body,
    bodyLength: declaredLength(metadata) ?? ownLength,
    deadlineMs: call.deadlineMs,
    signal: call.signal,
    trace,
    peer,
    ...(ver === internalApiVersion ? {} : { defect: unsupportedVersion(ver) }),
  };
}

function unsupportedVersion(ver: number): Error {
  return rpcError("OTR_PROTOCOL_VIOLATION", {
    code: RpcCode.UNIMPLEMENTED,
    message: `Unsupported spec version: ${ver}`,
  });
}

/** Only a declared length is one: the app of a call without it gets a body of unknown length. */
function declaredLength(metadata: HeaderList): number | undefined {
  const declared = headerValue(metadata, "content-length");
  return declared !== undefined && /^\d{1,15}$/.test(declared) ? Number(declared) : undefined;
}

function invalidRequest(reason: string): Error {
  return rpcError("OTR_PROTOCOL_VIOLATION", {
    code: RpcCode.INVALID_ARGUMENT,
    message: `parsing InternalInvokeRequest error: ${reason}`,
  });
}

function appChannelFailure(reason: string, cause: unknown): Error {
  return rpcError(
    "OTR_APP_FAILED",
    { code: RpcCode.INTERNAL, message: `error invoking app channel: ${reason}` },
    { cause },
  );
}

/** Peers take UNIMPLEMENTED for "no `CallLocalStream` here" and call again in the old way. */
function neverUnimplemented(reason: unknown): never {
  const rpc = reason instanceof Error && "rpc" in reason ? reason.rpc : undefined;
  if (typeof rpc === "object" && rpc !== null && "code" in rpc) {
    if (rpc.code === RpcCode.UNIMPLEMENTED) throw appChannelFailure(errorText(reason), reason);
  }
  throw reason;
}
