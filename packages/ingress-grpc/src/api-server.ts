import {
  type ComponentContext,
  type HeaderList,
  RpcCode,
  rpcError,
  type Sidecar,
} from "@outrigger/core";
import {
  type GrpcHandler,
  GrpcServer,
  type GrpcServerCall,
  type GrpcStatus,
} from "@outrigger/grpc-http2";
import {
  daprPaths,
  decodeEmpty,
  decodeInvokeServiceRequest,
  decodeSetMetadataRequest,
  encodeEmpty,
  encodeTraceBin,
  foreignDaprPaths,
  parseTraceparent,
  reflectionServices,
} from "@outrigger/protocol";
import { type CallEnd, callTeller } from "./call-end.ts";
import { CallTracing, endSpan } from "./call-tracing.ts";
import { type Admission, type Admitted, admit } from "./gate.ts";
import { InvokeService } from "./invoke-service.ts";
import { getMetadata, setMetadata } from "./metadata-service.ts";
import type { IngressSettings } from "./options.ts";
import { proxyCall } from "./proxy.ts";
import { reflect, taskHubMethods } from "./reflect.ts";
import {
  decodeRequest,
  okReply,
  type Reply,
  readUnary,
  sendReply,
  statusOfFailure,
  toGrpcStatus,
} from "./reply.ts";

/** Reads the request, then gives what answers it. */
type UnaryMethod = (call: GrpcServerCall) => Promise<UnaryRequest>;

/** A request that was read. */
interface UnaryRequest {
  readonly bytes: number;
  answer(admitted: Admitted): Reply | Promise<Reply>;
}

/** `undefined`: there was no request, and nothing to log. */
type AnyMethod = (call: GrpcServerCall, admitted: Admitted) => Promise<CallEnd | undefined>;

/** What every call passes before its method. */
interface Door {
  readonly settings: IngressSettings;
  readonly now: () => number;
  readonly tracing: CallTracing;
}

/** Makes servers of Dapr's gRPC API, one per address. */
export function createApiServers(
  settings: IngressSettings,
  context: ComponentContext,
  sidecar: Sidecar,
): () => GrpcServer {
  const { maxMessageBytes, maxHeaderListBytes } = settings;
  const { now } = context;
  const door: Door = { settings, now, tracing: new CallTracing(settings.tracing, context) };
  const methods = new Map<string, GrpcHandler>();
  for (const [path, method] of unaryMethods(settings, context, sidecar)) {
    methods.set(path, guarded(door, unary(method, maxMessageBytes)));
  }
  for (const service of reflectionServices) {
    methods.set(`/${service}/ServerReflectionInfo`, guarded(door, streaming(reflect)));
  }
  const proxy = streaming((call, admitted) => proxyCall(sidecar, call, admitted));
  const unknownMethod = guarded(door, proxy);
  const toStatus = statusOfFailure;
  return () =>
    new GrpcServer({ methods, unknownMethod, maxMessageBytes, maxHeaderListBytes, toStatus, now });
}

/** What cannot be read as a request never gets to Dapr's log: interceptors run after the decoder. */
function unary(method: UnaryMethod, maxMessageBytes: number): AnyMethod {
  return async (call, admitted) => {
    let request: UnaryRequest;
    try {
      request = await method(call);
    } catch (reason) {
      call.finish(statusOfFailure(reason));
      return undefined;
    }
    const { bytes } = request;
    try {
      const reply = await request.answer(admitted);
      const added = addedHeaders(call, admitted);
      const whole =
        added.length === 0 ? reply : { ...reply, headers: [...reply.headers, ...added] };
      const status = await sendReply(call, whole, maxMessageBytes);
      const sentBytes = status.code === RpcCode.OK ? (whole.message?.length ?? 0) : 0;
      return { status, sizes: { received: bytes, sent: sentBytes }, errorCode: reply.errorCode };
    } catch (reason) {
      const status = statusOfFailure(reason);
      call.finish(status);
      return { status, sizes: { received: bytes, sent: 0 } };
    }
  };
}

/** What every answer has: the baggage, and for all methods but one the context of the span. */
function addedHeaders(call: GrpcServerCall, { echo, trace }: Admitted): HeaderList {
  // An invocation tells its context in its own way, in text as well.
  if (trace === undefined || call.path === daprPaths.InvokeService) return echo;
  const span = parseTraceparent(trace.traceparent);
  return span === undefined ? echo : [...echo, "grpc-trace-bin", encodeTraceBin(span)];
}

/** A method whose request is read whole and decoded before it is answered. */
function reading<T>(
  decode: (bytes: Uint8Array) => T,
  answer: (request: T, call: GrpcServerCall, admitted: Admitted) => Reply | Promise<Reply>,
): UnaryMethod {
  return async (call) => {
    const bytes = await readUnary(call);
    const request = decodeRequest(bytes, decode);
    return { bytes: bytes.length, answer: (admitted) => answer(request, call, admitted) };
  };
}

/** A stream, which has no sizes to tell. */
function streaming(
  method: (call: GrpcServerCall, admitted: Admitted) => Promise<GrpcStatus>,
): AnyMethod {
  return async (call, admitted) => ({ status: await method(call, admitted) });
}

function unaryMethods(
  { maxMessageBytes }: IngressSettings,
  { log }: ComponentContext,
  sidecar: Sidecar,
): Map<string, UnaryMethod> {
  const invokeService = new InvokeService(sidecar, log, maxMessageBytes);
  const methods = new Map<string, UnaryMethod>([
    [
      daprPaths.InvokeService,
      reading(decodeInvokeServiceRequest, (request, call, admitted) =>
        invokeService.answer(request, call, admitted),
      ),
    ],
    [daprPaths.GetMetadata, reading(decodeEmpty, () => getMetadata(sidecar))],
    [
      daprPaths.SetMetadata,
      reading(decodeSetMetadataRequest, (item) => setMetadata(sidecar, item)),
    ],
    [daprPaths.Shutdown, reading(decodeEmpty, (_empty, call) => shutdown(sidecar, call))],
  ]);
  // Without a handler of their own they would be proxied to an app.
  for (const [path, block] of [...foreignDaprPaths, ...taskHubMethods]) {
    const answer = (): never => {
      throw notServed(path, block);
    };
    methods.set(path, async () => ({ bytes: 0, answer }));
  }
  return methods;
}

function shutdown(sidecar: Sidecar, call: GrpcServerCall): Reply {
  sidecar.requestShutdown(call.header("dapr-force-shutdown")?.toLowerCase() === "true");
  return okReply(encodeEmpty());
}

function notServed(path: string, block: string): Error {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return rpcError("OTR_PROTOCOL_VIOLATION", {
    code: RpcCode.UNIMPLEMENTED,
    message: `${name} belongs to the building block ${block}, which this sidecar does not offer`,
  });
}

/**
 * Every call passes the same gate in Dapr's order: lists of APIs, token, baggage. What the gate refuses
 * neither log nor metrics hear of, nor of what is no request (Dapr: they are the inner interceptors).
 */
function guarded({ settings, now, tracing }: Door, method: AnyMethod): GrpcHandler {
  const tell = callTeller(settings, now);
  return async (call) => {
    const started = tell.start();
    let admission: Admission;
    try {
      admission = admit(call, settings);
    } catch (reason) {
      call.finish(statusOfFailure(reason));
      return;
    }
    if (admission.refusal !== undefined) {
      call.finish(toGrpcStatus(admission.refusal));
      return;
    }
    const trace = tracing.begin(call, admission.headers);
    const admitted = trace === undefined ? admission : { ...admission, trace };
    const end = await ended(call, method(call, admitted));
    if (end === undefined) return;
    if (trace?.span !== undefined) endSpan(trace.span, end.status);
    tell.end(call, end, started);
  };
}

async function ended(
  call: GrpcServerCall,
  answer: Promise<CallEnd | undefined>,
): Promise<CallEnd | undefined> {
  try {
    return await answer;
  } catch (reason) {
    const status = statusOfFailure(reason);
    call.finish(status);
    return { status };
  }
}
