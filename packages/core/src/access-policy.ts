import type { ByteString, PeerIdentity } from "./call.ts";
import type { Component } from "./component.ts";

/** What a policy decides on: exactly what will be delivered. */
export interface AccessRequest {
  /** Absent when the peer proved no identity. */
  readonly peer: PeerIdentity | undefined;
  /** Normalised method path, the same string that the app receives. */
  readonly method: ByteString;
  /** Upper-case verb; empty for gRPC. */
  readonly verb: string;
  readonly protocol: "http" | "grpc";
}

/** A decision and, for the audit log, which rule made it. */
export interface AccessDecision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Decides who may call what. Pure: no clock, no I/O, an answer for every input. */
export interface AccessPolicy extends Component {
  decide(request: AccessRequest): AccessDecision;
}
