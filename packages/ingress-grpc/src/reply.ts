import { promisify } from "node:util";
import { gzip } from "node:zlib";
import {
  type HeaderList,
  OutriggerError,
  RpcCode,
  type RpcStatus,
  rpcError,
  toRpcStatus,
} from "@outrigger/core";
import {
  frameMessage,
  type GrpcServerCall,
  type GrpcStatus,
  okStatus,
  sendTooLarge,
} from "@outrigger/grpc-http2";
import { encodeStatus } from "@outrigger/protocol";

const zip = promisify(gzip);

/** The answer to a unary call. */
export interface Reply {
  readonly headers: HeaderList;
  readonly trailers: HeaderList;
  readonly status: RpcStatus;
  /** Present exactly when the status is OK. */
  readonly message?: Uint8Array | undefined;
  /** Error of Dapr's that this is, for metrics. */
  readonly errorCode?: string;
}

/** A successful answer without metadata. */
export function okReply(message: Uint8Array): Reply {
  return { headers: [], trailers: [], status: { code: RpcCode.OK, message: "" }, message };
}

/** The one request message of a unary call. @throws OutriggerError with the status for the client. */
export async function readUnary(call: GrpcServerCall): Promise<Uint8Array> {
  const frame = await call.messages.read();
  if (frame !== undefined) return call.decode(frame);
  throw rpcError(
    "OTR_PROTOCOL_VIOLATION",
    // Go's word for a stream that ended before its message (recorded Dapr behaviour).
    call.messages.failure ?? { code: RpcCode.UNKNOWN, message: "EOF" },
  );
}

/** Decodes a request; what is no such message is INTERNAL, as with Go's gRPC library. */
export function decodeRequest<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(bytes);
  } catch (cause) {
    if (!(cause instanceof OutriggerError)) throw cause;
    const message = `grpc: error unmarshalling request: ${cause.message}`;
    throw rpcError("OTR_PROTOCOL_VIOLATION", { code: RpcCode.INTERNAL, message }, { cause });
  }
}

/** Sends the answer. Compressed requests get compressed answers, as with Go's gRPC library. */
export async function sendReply(
  call: GrpcServerCall,
  reply: Reply,
  maxMessageBytes: number,
): Promise<GrpcStatus> {
  const { headers, trailers, message } = reply;
  if (message === undefined) {
    const status = toGrpcStatus(reply.status);
    if (headers.length > 0) call.respond(headers);
    call.finish(status, trailers);
    return status;
  }
  if (message.length > maxMessageBytes) {
    const status = sendTooLarge(message.length, maxMessageBytes);
    call.finish(status);
    return status;
  }
  const zipped = call.header("grpc-encoding") === "gzip";
  call.respond(zipped ? [...headers, "grpc-encoding", "gzip"] : headers);
  const last = zipped ? frameMessage(await zip(message), true) : frameMessage(message);
  call.finish(okStatus, trailers, last);
  return okStatus;
}

/** The status that a client gets for anything thrown. */
export function statusOfFailure(reason: unknown): GrpcStatus {
  return toGrpcStatus(toRpcStatus(reason));
}

/** A status as trailers carry it. */
export function toGrpcStatus({ code, message, details = [] }: RpcStatus): GrpcStatus {
  if (details.length === 0) return { code, message };
  return { code, message, detailsBin: encodeStatus({ code, message, details }) };
}
