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
  encodeEmpty,
  foreignDaprPaths,
  reflectionServices,
} from "@outrigger/protocol";
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

type UnaryMethod = (call: GrpcServerCall, headers: HeaderList) => Promise<Reply>;
type AnyMethod = (call: GrpcServerCall, admitted: Admitted) => Promise<GrpcStatus>;

/** Makes servers of Dapr's gRPC API, one per address. */
export function createApiServers(
  settings: IngressSettings,
  context: ComponentContext,
  sidecar: Sidecar,
): () => GrpcServer {
  const { maxMessageBytes, maxHeaderListBytes, tracing } = settings;
  const { now, random } = context;
  const methods = new Map<string, GrpcHandler>();
  for (const [path, method] of unaryMethods(settings, context, sidecar)) {
    const handler = guarded(settings, now, async (call, { headers, echo }) => {
      const reply = await method(call, headers);
      const answer = echo.length === 0 ? reply : { ...reply, headers: [...reply.headers, ...echo] };
      return sendReply(call, answer, maxMessageBytes);
    });
    methods.set(path, handler);
  }
  for (const service of reflectionServices) {
    methods.set(
      `/${service}/ServerReflectionInfo`,
      guarded(settings, now, (call) => reflect(call)),
    );
  }
  const unknownMethod = guarded(settings, now, (call, admitted) =>
    proxyCall(sidecar, call, admitted, tracing ? random : undefined),
  );
  const toStatus = statusOfFailure;
  return () =>
    new GrpcServer({ methods, unknownMethod, maxMessageBytes, maxHeaderListBytes, toStatus, now });
}

function unaryMethods(
  { maxMessageBytes, tracing }: IngressSettings,
  { log, random }: ComponentContext,
  sidecar: Sidecar,
): Map<string, UnaryMethod> {
  const invokeService = new InvokeService(
    sidecar,
    log,
    maxMessageBytes,
    tracing ? random : undefined,
  );
  const methods = new Map<string, UnaryMethod>([
    [daprPaths.InvokeService, (call, headers) => invokeService.answer(call, headers)],
    [daprPaths.GetMetadata, (call) => getMetadata(sidecar, call)],
    [daprPaths.SetMetadata, (call) => setMetadata(sidecar, call)],
    [daprPaths.Shutdown, (call) => shutdown(sidecar, call)],
  ]);
  // Without a handler of their own they would be proxied to an app.
  for (const [path, block] of [...foreignDaprPaths, ...taskHubMethods]) {
    methods.set(path, async () => {
      throw notServed(path, block);
    });
  }
  return methods;
}

async function shutdown(sidecar: Sidecar, call: GrpcServerCall): Promise<Reply> {
  decodeRequest(await readUnary(call), decodeEmpty);
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
 * the log does not hear of (Dapr: API logging is the innermost interceptor).
 */
function guarded(settings: IngressSettings, now: () => number, method: AnyMethod): GrpcHandler {
  const { onApiCall } = settings;
  return async (call) => {
    const startedAt = now();
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
    const { code } = await answered(call, method(call, admission));
    onApiCall?.({
      method: call.path,
      userAgent: call.header("user-agent"),
      durationMs: now() - startedAt,
      code,
    });
  };
}

async function answered(call: GrpcServerCall, answer: Promise<GrpcStatus>): Promise<GrpcStatus> {
  try {
    return await answer;
  } catch (reason) {
    const status = statusOfFailure(reason);
    call.finish(status);
    return status;
  }
}
