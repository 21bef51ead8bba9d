import type { ByteString, PeerIdentity } from "./call.ts";
import type { Component } from "./component.ts";
import { errorText } from "./errors.ts";

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
  /** Whether the caller's own policy set the default, for metrics. Default `global`. */
  readonly scope?: "app" | "global";
}

/** Decides who may call what. Pure: no clock, no I/O, an answer for every input. */
export interface AccessPolicy extends Component {
  decide(request: AccessRequest): AccessDecision;
}

/** The decision where nobody chose a policy: everybody may call everything (Dapr's default). */
export const noPolicy: AccessDecision = {
  allowed: true,
  reason: "there is no access policy",
  scope: "global",
};

/** Asks a policy; one that throws or answers something else than a decision denies. */
export function decideOrDeny(policy: AccessPolicy, request: AccessRequest): AccessDecision {
  try {
    const decision = policy.decide(request);
    if (typeof decision?.allowed === "boolean") return decision;
    return { allowed: false, reason: `${policy.name} gave no decision` };
  } catch (reason) {
    return { allowed: false, reason: `${policy.name} failed: ${errorText(reason)}` };
  }
}
