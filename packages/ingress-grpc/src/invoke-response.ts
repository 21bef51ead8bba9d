import { type InvokeResponse, isHttpStatus, RpcCode } from "@outrigger/core";
import { readCounted, sendTooLarge } from "@outrigger/grpc-http2";
import {
  encodeErrorInfo,
  encodeInvokeResponse,
  errorInfoTypeUrl,
  httpReasonPhrase,
  httpStatusToRpcCode,
  metadataToGrpc,
} from "@outrigger/protocol";
import type { Reply } from "./reply.ts";

/** Longest piece of an error body that Dapr repeats in a status. */
const maxErrorBytes = 63;

/** The app's answer for a gRPC client (Dapr `pkg/api/grpc`, InvokeService). */
export async function toReply(response: InvokeResponse, maxMessageBytes: number): Promise<Reply> {
  const { code } = response.status;
  const headers = metadataToGrpc(response.headers, { httpConversion: true }).headers;
  if (isHttpStatus(code)) {
    const withStatus = [...headers, "dapr-http-status", String(code)];
    if (code >= 200 && code < 300) return success(response, maxMessageBytes, withStatus, []);
    return httpFailure(response, maxMessageBytes, withStatus);
  }
  const trailers = metadataToGrpc(response.trailers, { httpConversion: false }).headers;
  if (code === RpcCode.OK) return success(response, maxMessageBytes, headers, trailers);
  // Unchanged and without a prefix: clients of the app know its statuses.
  return { headers, trailers, status: response.status };
}

async function success(
  response: InvokeResponse,
  maxMessageBytes: number,
  headers: Reply["headers"],
  trailers: Reply["trailers"],
): Promise<Reply> {
  const { bytes, length } = await readCounted(response.body, maxMessageBytes);
  if (bytes === undefined) {
    return { headers: [], trailers: [], status: sendTooLarge(length, maxMessageBytes) };
  }
  const message = encodeInvokeResponse({
    contentType: response.contentType,
    data: { typeUrl: response.typeUrl, value: bytes },
  });
  return { headers, trailers, status: { code: RpcCode.OK, message: "" }, message };
}

async function httpFailure(
  response: InvokeResponse,
  maxMessageBytes: number,
  headers: Reply["headers"],
): Promise<Reply> {
  const { code } = response.status;
  const { bytes } = await readCounted(response.body, maxMessageBytes);
  const reason = httpReasonPhrase(code);
  const text = Buffer.from(bytes ?? []).subarray(0, maxErrorBytes);
  const info = encodeErrorInfo({
    reason,
    domain: "dapr.io",
    metadata: { "http.code": String(code), "http.error_message": text.toString("utf8") },
  });
  return {
    headers,
    trailers: [],
    status: {
      code: httpStatusToRpcCode(code),
      message: reason,
      details: [{ typeUrl: errorInfoTypeUrl, value: info }],
    },
  };
}
