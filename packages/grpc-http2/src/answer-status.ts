import { type HeaderList, RpcCode } from "@outrigger/core";
import { brokenBinary } from "./binary-header.ts";
import { decodeGrpcMessage, type GrpcStatus } from "./status.ts";

/** First value of a header. */
export function firstValue(list: HeaderList, name: string): string | undefined {
  for (let index = 0; index < list.length; index += 2) {
    if (list[index] === name) return list[index + 1];
  }
  return undefined;
}

/** The status of an answer that Go's gRPC library does not take. */
export function malformed(list: HeaderList): GrpcStatus | undefined {
  const broken = brokenBinary(list);
  if (broken === undefined) return undefined;
  const message = `transport: malformed ${broken.name}: ${broken.reason}`;
  return { code: RpcCode.INTERNAL, message };
}

/** The status that headers or trailers carry. */
export function statusOf(list: HeaderList): GrpcStatus | undefined {
  const code = firstValue(list, "grpc-status");
  if (code === undefined) return undefined;
  const message = firstValue(list, "grpc-message");
  const details = firstValue(list, "grpc-status-details-bin");
  return {
    code: /^\d{1,10}$/.test(code) ? Number(code) : RpcCode.UNKNOWN,
    message: message === undefined ? "" : decodeGrpcMessage(message),
    detailsBin: details === undefined ? undefined : Buffer.from(details, "base64"),
  };
}
