import type { BodyStream, HeaderList, PeerIdentity } from "./call.ts";
import type { Component } from "./component.ts";
import type { RpcStatus } from "./rpc-status.ts";

/**
 * A call of a user's own gRPC service. Messages are length-prefixed frames as they were received,
 * compressed or not; nobody on the way decodes them.
 */
export interface ProxyCall {
  /** `/package.Service/Method`, as received. */
  readonly path: string;
  /** Request metadata in order, without pseudo headers. */
  readonly metadata: HeaderList;
  /** Frames in any chunking. The end of the iteration is the client's half close. */
  readonly frames: BodyStream;
  /** Absolute time in milliseconds since the epoch. */
  readonly deadlineMs?: number | undefined;
  readonly signal: AbortSignal;
  /** Identity proven by the calling sidecar's certificate. */
  readonly peer?: PeerIdentity | undefined;
}

/** How a proxied call ended. */
export interface ProxyEnding {
  readonly status: RpcStatus;
  /** Trailers as received, without status and message; `grpc-status-details-bin` is among them. */
  readonly trailers: HeaderList;
}

/** The answer to a proxied call, known once its headers, or trailers alone, have arrived. */
export interface ProxyResponse {
  readonly headers: HeaderList;
  /** Ending the iteration early cancels the call. */
  readonly frames: BodyStream;
  /** Resolves when the frames have ended or were cancelled; never rejects. */
  readonly ended: Promise<ProxyEnding>;
}

/** The way of proxied calls to the local app. It works whatever the app's protocol is said to be. */
export interface ProxyChannel extends Component {
  /** @throws OutriggerError `OTR_APP_UNREACHABLE` with status UNAVAILABLE when the app cannot be reached. */
  proxy(call: ProxyCall): Promise<ProxyResponse>;
}
