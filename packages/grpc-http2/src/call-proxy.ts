import {
  freeChunk,
  type HeaderList,
  type ProxyCall,
  type ProxyEnding,
  type ProxyResponse,
  RpcCode,
} from "@outrigger/core";
import type { GrpcClient } from "./client.ts";
import type { GrpcResponse } from "./client-call.ts";
import { assertLegalMetadata } from "./legal-metadata.ts";
import { ProxyFrames } from "./proxy-frames.ts";
import { requestMetadata, responseMetadata } from "./proxy-metadata.ts";
import type { GrpcStatus } from "./status.ts";

/**
 * The outgoing half of a proxied call: frames are sent as they came in.
 * @param headers metadata to send, in place of the call's own.
 * @param toError makes the error of a call that no peer answered: no connection, the caller's
 *   deadline or signal.
 * @throws OutriggerError with status INTERNAL for metadata that gRPC cannot carry, and what `toError` makes.
 */
export async function callProxy(
  client: GrpcClient,
  call: ProxyCall,
  headers: HeaderList,
  toError: (status: GrpcStatus) => Error,
): Promise<ProxyResponse> {
  const metadata = requestMetadata(headers);
  assertLegalMetadata(metadata);
  const response = await client.call({
    path: call.path,
    headers: metadata,
    body: call.frames,
    onSent: freeChunk,
    // Whatever the subtype of the client (recorded Dapr behaviour).
    contentType: "application/grpc+proto",
    deadlineMs: call.deadlineMs,
    signal: call.signal,
  });
  const { status } = response;
  if (status?.origin !== undefined && response.headers.length === 0) throw toError(status);
  const isTrailersOnly = response.headers === response.trailers;
  let end: (ending: ProxyEnding) => void = () => undefined;
  const ended = new Promise<ProxyEnding>((resolve) => {
    end = resolve;
  });
  const frames = new ProxyFrames(response.messages, {
    ended: () => end(toEnding(response)),
    cancel: () => response.cancel(),
  });
  return { headers: isTrailersOnly ? [] : responseMetadata(response.headers), frames, ended };
}

function toEnding(response: GrpcResponse): ProxyEnding {
  const { code, message } = response.status ?? { code: RpcCode.UNKNOWN, message: "no status" };
  return { status: { code, message }, trailers: responseMetadata(response.trailers) };
}
