import type { PeerIdentity } from "@outrigger/core";

/** A trust domain as the SPIFFE standard allows it (SPIFFE-ID section 2.1). */
const trustDomainPattern = /^[a-z0-9._-]{1,255}$/;

/** One segment of the path (SPIFFE-ID section 2.2). */
const segmentPattern = /^[A-Za-z0-9._-]+$/;

/** Longest id that is read (SPIFFE-ID section 2.3). */
const maxIdLength = 2_048;

/** A SPIFFE id taken apart. */
export interface SpiffeId {
  readonly trustDomain: string;
  /** Segments of the path; none for the id of a trust domain itself. */
  readonly segments: readonly string[];
}

/** Reads a SPIFFE id; `undefined` when the text is none. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > maxIdLength || !text.startsWith("spiffe://")) return undefined;
  const [trustDomain = "", ...segments] = text.slice("spiffe://".length).split("/");
  if (!trustDomainPattern.test(trustDomain)) return undefined;
  return segments.every(isSegment) ? { trustDomain, segments } : undefined;
}

/**
 * The identity that a SPIFFE id stands for. An id of another shape than
 * `spiffe://<trust domain>/ns/<namespace>/<app id>` proves no app: its namespace and app id are
 * empty, and policies deny it. `undefined` when the text is no SPIFFE id at all.
 */
export function toPeerIdentity(text: string): PeerIdentity | undefined {
  const id = parseSpiffeId(text);
  if (id === undefined) return undefined;
  const { trustDomain, segments } = id;
  const [kind, namespace, appId] = segments;
  const isWorkload = segments.length === 3 && kind === "ns";
  return {
    spiffeId: text,
    trustDomain,
    namespace: (isWorkload ? namespace : undefined) ?? "",
    appId: (isWorkload ? appId : undefined) ?? "",
  };
}

/** What an identity is made of. */
export interface WorkloadName {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly appId: string;
}

/**
 * The id of a workload, as Dapr's certificate authority writes it; `undefined` when a part holds a
 * character that SPIFFE forbids.
 */
export function formatSpiffeId({
  trustDomain,
  namespace,
  appId,
}: WorkloadName): string | undefined {
  if (!trustDomainPattern.test(trustDomain)) return undefined;
  if (!isSegment(namespace) || !isSegment(appId)) return undefined;
  return `spiffe://${trustDomain}/ns/${namespace}/${appId}`;
}

/** A trust domain, given as a name or as a whole id; `undefined` when it is neither. */
export function parseTrustDomain(text: string): string | undefined {
  if (text.startsWith("spiffe://")) return parseSpiffeId(text)?.trustDomain;
  return trustDomainPattern.test(text) ? text : undefined;
}

function isSegment(text: string): boolean {
  return segmentPattern.test(text) && text !== "." && text !== "..";
}
