import {
  errorText,
  type HeaderList,
  isHttpStatus,
  isOutriggerError,
  type Logger,
  RpcCode,
  type Sidecar,
} from "@outrigger/core";
import type { GrpcServerCall } from "@outrigger/grpc-http2";
import { decodeInvokeServiceRequest, type InvokeServiceRequest } from "@outrigger/protocol";
import { toInvokeRequest } from "./invoke-request.ts";
import { toReply } from "./invoke-response.ts";
import { decodeRequest, type Reply, readUnary } from "./reply.ts";

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

  async answer(call: GrpcServerCall, headers: HeaderList): Promise<Reply> {
    const request = decodeRequest(await readUnary(call), decodeInvokeServiceRequest);
    this.#notice(serviceNotice);
    try {
      return await this.#invoke(call, headers, request);
    } catch (reason) {
      return failure(request.id, reason);
    }
  }

  async #invoke(
    call: GrpcServerCall,
    headers: HeaderList,
    request: InvokeServiceRequest,
  ): Promise<Reply> {
    const response = await this.#sidecar.invoke(toInvokeRequest(call, headers, request));
    if (isHttpStatus(response.status.code)) this.#notice(httpNotice);
    return toReply(response, this.#maxMessageBytes);
  }

  /** Once per text: every call would repeat it. */
  #notice(text: string): void {
    if (this.#noticed.has(text)) return;
    this.#noticed.add(text);
    this.#log.log("warn", text);
  }
}

/** All failures of the sidecars look alike, a denied access too (recorded Dapr behaviour). */
function failure(id: string, reason: unknown): Reply {
  if (isOutriggerError(reason, "OTR_TIMEOUT")) {
    const message = "context deadline exceeded";
    return { headers: [], trailers: [], status: { code: RpcCode.DEADLINE_EXCEEDED, message } };
  }
  const message = `failed to invoke, id: ${id}, err: ${errorText(reason)}`;
  return { headers: [], trailers: [], status: { code: RpcCode.INTERNAL, message } };
}
