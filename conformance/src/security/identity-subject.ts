import type { WorkloadIdentity } from "@outrigger/core";

/** What a source of certificates may do wrong. */
export type Misissue = "other-app" | "other-namespace" | "other-key" | "foreign-root" | "expired";

/** A source of workload certificates under test, with the controls that the cases use. */
export interface IdentitySubject {
  /** Started. */
  readonly identity: WorkloadIdentity;
  /** Makes one more, not started, with the same source. */
  readonly create: () => WorkloadIdentity;
  /** Whom the certificate must name. */
  readonly expected: { readonly appId: string; readonly namespace: string };
  /** Makes the source give out another certificate, for example by letting the old one age. */
  readonly rotate?: () => Promise<void>;
  /** Adds another root to those that the source trusts. Returns the new bundle in PEM. */
  readonly addAnchor?: () => Promise<string>;
  /** Takes the source away. */
  readonly interrupt?: () => Promise<void>;
  /** Makes an identity, not started, whose source does wrong. */
  readonly createMisissued?: (kind: Misissue) => WorkloadIdentity;
  /** Everything that was logged. */
  readonly logged?: () => string;
}
