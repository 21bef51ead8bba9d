import {
  bytesToText,
  errorText,
  isHttpStatus,
  isOutriggerError,
  type Logger,
  RpcCode,
  type Sidecar,
  type Span,
} from "@outrigger/core";
import type { GrpcServerCall } from "@outrigger/grpc-http2";
import type { InvokeServiceRequest } from "@outrigger/protocol";
import type { Admitted } from "./gate.ts";
import { toInvokeRequest } from "./invoke-request.ts";
import { toReply } from "./invoke-response.ts";
import type { Reply } from "./reply.ts";
import { traceMetadata } from "./trace.ts";

const serviceNotice =
  "[DEPRECATION NOTICE] InvokeService is deprecated and will be removed in the future, please use proxy mode instead.";
const httpNotice =
  "[DEPRECATION NOTICE] Invocation path of gRPC -> HTTP is deprecated and will be removed in the future.";

/** Answers `InvokeService`. */
export class InvokeService {
  readonly #sidecar: Sidecar;
  readonly #log: Logger;
  readonly #maxMessageBytes: number;
  readonly #noticed: Set<string> = new Set();

  constructor(sidecar: Sidecar, log: Logger, maxMessageBytes: number) {
    this.#sidecar = sidecar;
    this.#log = log;
    this.#maxMessageBytes = maxMessageBytes;
  }

  async answer(
    request: InvokeServiceRequest,
    call: GrpcServerCall,
    admitted: Admitted,
  ): Promise<Reply> {
    this.#notice(serviceNotice);
    const span = admitted.trace?.span;
    if (span !== undefined) nameSpan(span, request);
    try {
      return await this.#invoke(call, admitted, request);
    } catch (reason) {
      return failure(request.id, reason);
    }
  }

  async #invoke(
    call: GrpcServerCall,
    { headers, trace }: Admitted,
    request: InvokeServiceRequest,
  ): Promise<Reply> {
    const invocation = { ...toInvokeRequest(call, headers, request), trace };
    const response = await this.#sidecar.invoke(invocation);
    const ofHttpApp = isHttpStatus(response.status.code);
    if (ofHttpApp) this.#notice(httpNotice);
    const reply = await toReply(response, this.#maxMessageBytes);
    if (trace === undefined) return reply;
    const metadata = traceMetadata(trace);
    // Only gRPC apps have trailers, and Dapr puts the context into those too.
    const trailers = ofHttpApp ? reply.trailers : [...reply.trailers, ...metadata];
    return { ...reply, headers: [...reply.headers, ...metadata], trailers };
  }

  /** Once per text: every call would repeat it. */
  #notice(text: string): void {
    if (this.#noticed.has(text)) return;
    this.#noticed.add(text);
    this.#log.log("warn", text);
  }
}

function nameSpan(span: Span, { id, message }: InvokeServiceRequest): void {
  span.name = `CallLocal/${id}/${bytesToText(message?.method ?? "")}`;
  span.set("rpc.service", "ServiceInvocation");
  span.set("net.peer.name", id);
}

/** All failures of the sidecars look alike, a denied access too (recorded Dapr behaviour). */
function failure(id: string, reason: unknown): Reply {
  if (isOutriggerError(reason, "OTR_TIMEOUT")) {
    const message = "context deadline exceeded";
    return { headers: [], trailers: [], status: { code: RpcCode.DEADLINE_EXCEEDED, message } };
  }
  if (isOutriggerError(reason, "OTR_CIRCUIT_OPEN")) {
    return {
      headers: [],
      trailers: [],
      status: { code: RpcCode.UNKNOWN, message: reason.message },
    };
  }
  const message = `failed to invoke, id: ${id}, err: ${errorText(reason)}`;
  const status = { code: RpcCode.INTERNAL, message };
  return { headers: [], trailers: [], status, errorCode: "ERR_DIRECT_INVOKE" };
}
