import {
  emptyBody,
  type HeaderList,
  type InvokeResponse,
  OutriggerError,
  type ReceivedCall,
  RpcCode,
  toRpcStatus,
} from "@outrigger/core";
import {
  decompress,
  framePrefixBytes,
  type GrpcResponse,
  type GrpcStatus,
  readCounted,
  sendTooLarge,
  writeFramePrefix,
} from "@outrigger/grpc-http2";
import {
  decodeInvokeResponse,
  decodeStatus,
  encodeInvokeRequest,
  grpcMetadataToInternal,
  metadataToGrpc,
} from "@outrigger/protocol";
import { withAppToken } from "./app-client.ts";
import type { AppChannelSettings } from "./options.ts";
import { traceHeaders } from "./trace-headers.ts";

/**
 * The framed `InvokeRequest`, or the status that its size gets. The whole body is read first.
 * @throws what the body throws.
 */
export async function encodeOnInvoke(
  call: ReceivedCall,
  maxMessageBytes: number,
): Promise<Uint8Array | GrpcStatus> {
  const { bytes, length } = await readCounted(call.body, maxMessageBytes);
  const size = messageBytes(encode(call, emptyBody).length, call.typeUrl, length);
  if (bytes === undefined || size > maxMessageBytes) return sendTooLarge(size, maxMessageBytes);
  const message = encode(call, bytes, framePrefixBytes);
  writeFramePrefix(message, 0, message.length - framePrefixBytes);
  return message;
}

/** Apps rely on `data` being there, even where nothing was sent (Dapr `pkg/channel/grpc`). */
function encode(call: ReceivedCall, value: Uint8Array, reserveBytes = 0): Uint8Array {
  return encodeInvokeRequest(
    {
      method: call.method,
      contentType: call.contentType,
      data: { typeUrl: call.typeUrl, value },
      httpExtension:
        call.http === undefined
          ? undefined
          : { verb: call.http.verb, querystring: call.http.query },
    },
    reserveBytes,
  );
}

/** Size of the message from its size without the body, which may be too long to be held. */
function messageBytes(emptyBytes: number, typeUrl: string, length: number): number {
  if (length === 0) return emptyBytes;
  const typeBytes = Buffer.byteLength(typeUrl);
  const anyEmpty = typeBytes === 0 ? 0 : 1 + varintBytes(typeBytes) + typeBytes;
  const any = anyEmpty + 1 + varintBytes(length) + length;
  return emptyBytes - varintBytes(anyEmpty) - anyEmpty + varintBytes(any) + any;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** @throws OutriggerError for metadata that gRPC cannot carry. */
export function onInvokeHeaders(
  call: ReceivedCall,
  { appToken, traceContext }: Pick<AppChannelSettings, "appToken" | "traceContext">,
): HeaderList {
  const converted = metadataToGrpc(call.metadata, { httpConversion: true });
  const headers = [...converted.headers, ...traceHeaders(converted, call.trace, traceContext)];
  return appToken === undefined || appToken === "" ? headers : withAppToken(headers, appToken);
}

/** Reads the app's answer to its end. Failures of the RPC are the app's status, whatever they are. */
export async function readOnInvoke(
  response: GrpcResponse,
  maxMessageBytes: number,
): Promise<InvokeResponse> {
  try {
    const frame = await response.messages.read();
    // Only the trailers tell whether the message is the answer.
    if (response.status === undefined) await drain(response);
    const status = response.status ?? { code: RpcCode.INTERNAL, message: "no status" };
    if (status.code !== RpcCode.OK) return failedAnswer(status, response);
    if (frame === undefined) {
      const message =
        "cardinality violation: received no response message from non-server-streaming RPC";
      return failedAnswer({ code: RpcCode.INTERNAL, message }, response);
    }
    const encoding = firstValue(response.headers, "grpc-encoding");
    const message = decodeInvokeResponse(await decompress(frame, encoding, maxMessageBytes));
    return {
      status: { code: RpcCode.OK, message: "", details: [] },
      ...answerMetadata(response),
      contentType: message.contentType,
      typeUrl: message.data?.typeUrl ?? "",
      body: message.data?.value ?? emptyBody,
    };
  } catch (reason) {
    response.cancel();
    const { code, message } = toRpcStatus(reason);
    return failedAnswer({ code: code === RpcCode.UNKNOWN ? RpcCode.INTERNAL : code, message });
  }
}

async function drain(response: GrpcResponse): Promise<void> {
  for (;;) {
    const extra = await response.messages.read();
    if (extra === undefined) return;
    throw new OutriggerError("cardinality violation: received multiple response messages", {
      code: "OTR_APP_FAILED",
    });
  }
}

/** An answer that is a failure: the app's own, or that of the way to it. */
export function failedAnswer(status: GrpcStatus, response?: GrpcResponse): InvokeResponse {
  const { code, message } = status;
  return {
    status: { code, message, details: detailsOf(status) },
    ...(response === undefined ? { headers: [], trailers: [] } : answerMetadata(response)),
    contentType: "",
    typeUrl: "",
    body: emptyBody,
  };
}

function detailsOf({ detailsBin }: GrpcStatus): InvokeResponse["status"]["details"] {
  if (detailsBin === undefined) return [];
  try {
    return decodeStatus(detailsBin).details;
  } catch {
    // Details explain an error; broken ones must not replace it.
    return [];
  }
}

/** An answer of trailers alone has no headers, as in Go's gRPC library. */
function answerMetadata(response: GrpcResponse): { headers: HeaderList; trailers: HeaderList } {
  const { headers, trailers } = response;
  return {
    headers: headers === trailers ? [] : grpcMetadataToInternal(headers),
    trailers: grpcMetadataToInternal(trailers),
  };
}

function firstValue(list: HeaderList, name: string): string | undefined {
  for (let index = 0; index < list.length; index += 2) {
    if (list[index] === name) return list[index + 1];
  }
  return undefined;
}
