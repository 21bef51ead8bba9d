import type { Component } from "./component.ts";

/** X.509 SVID of a workload (SPIFFE X509-SVID section 4), in PEM. */
export interface Svid {
  readonly spiffeId: string;
  /** Leaf first, then intermediates. */
  readonly certificateChain: string;
  /** PKCS#8 key. Never logged. */
  readonly privateKey: string;
  /** Trust anchors in PEM against which peers are verified. */
  readonly trustAnchors: string;
  /** Start of validity in milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** End of validity in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** JWT SVIDs by audience, where the authority issues them and they were asked for. Never logged. */
  readonly jwts?: ReadonlyMap<string, string>;
}

/** Certificates as a source that rotates, not as a string. */
export interface WorkloadIdentity extends Component {
  /** The SVID to present now. @throws OutriggerError `OTR_NOT_STARTED` before the first one arrived. */
  current(): Svid;
  /** Calls back after each rotation of certificate or anchors. Returns the unsubscribe function. */
  onRotate(listener: (svid: Svid) => void): () => void;
}
