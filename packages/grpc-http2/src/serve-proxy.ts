import {
  freeChunk,
  type HeaderList,
  isOutriggerError,
  type PeerIdentity,
  type ProxyCall,
  type ProxyResponse,
  rpcError,
} from "@outrigger/core";
import { assertLegalMetadata } from "./legal-metadata.ts";
import { ProxyFrames } from "./proxy-frames.ts";
import { receivedMetadata } from "./proxy-metadata.ts";
import type { GrpcServerCall } from "./server-call.ts";
import type { GrpcStatus } from "./status.ts";

/** What a server knows about a proxied call beyond the call itself. */
export interface ServeProxyOptions {
  /** Raw headers in place of the call's own. */
  readonly headers?: HeaderList | undefined;
  readonly peer?: PeerIdentity | undefined;
}

/**
 * The incoming half of a proxied call: hands it to `proxy` and passes the answer on as it comes.
 * @returns the status that the client got.
 */
export async function serveProxy(
  call: GrpcServerCall,
  proxy: (call: ProxyCall) => Promise<ProxyResponse>,
  options: ServeProxyOptions = {},
): Promise<GrpcStatus> {
  const response = await proxy(toProxyCall(call, options));
  let hasResponded = false;
  try {
    for await (const frames of response.frames) {
      if (call.finished) break;
      // Headers go with the first message: without any, the answer has trailers alone (recorded
      // Dapr behaviour).
      if (!hasResponded) {
        assertLegalMetadata(response.headers);
        call.respond(response.headers);
        hasResponded = true;
      }
      await call.write(frames, freeChunk);
    }
  } catch (reason) {
    // Headers that cannot be sent end the call; the iteration has been stopped by then.
    if (!call.finished && !hasResponded && isUnsendable(reason)) throw reason;
    // Anything else is what `ended` tells, and it is what the client gets.
  }
  const { status, trailers } = await response.ended;
  const ending = withDetails(status, trailers);
  call.finish(ending, trailers);
  return ending;
}

function isUnsendable(reason: unknown): boolean {
  return reason instanceof RangeError || isOutriggerError(reason, "OTR_PROTOCOL_VIOLATION");
}

function toProxyCall(call: GrpcServerCall, { headers, peer }: ServeProxyOptions): ProxyCall {
  return {
    path: call.path,
    metadata: receivedMetadata(headers ?? call.headers),
    frames: new ProxyFrames(call.messages, {
      ended: () => {
        const { failure } = call.messages;
        if (failure !== undefined) throw rpcError("OTR_ABORTED", failure);
      },
      cancel: () => call.messages.discard(),
    }),
    deadlineMs: call.deadlineMs,
    signal: call.signal,
    peer,
  };
}

function withDetails(status: GrpcStatus, trailers: HeaderList): GrpcStatus {
  const position = trailers.indexOf("grpc-status-details-bin");
  const details = position === -1 ? undefined : trailers[position + 1];
  if (details === undefined) return { code: status.code, message: status.message };
  return { ...status, detailsBin: Buffer.from(details, "base64") };
}
