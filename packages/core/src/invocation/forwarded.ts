import type { HeaderList } from "../call.ts";
import type { ResolveRequest } from "../resolver.ts";

/** Who the caller's sidecar is, as peers are told in metadata. */
export interface CallerIdentity {
  readonly appId: string;
  readonly namespace: string;
  /** Own address; nothing is forwarded for an unknown one. */
  readonly host: string | undefined;
  /** Host name of the machine; left out when unknown. */
  readonly hostname: string | undefined;
}

/** Names that only a sidecar may write: a client's own are dropped, so that none can be forged. */
const reserved = new Set([
  "dapr-caller-app-id",
  "dapr-caller-namespace",
  "dapr-callee-app-id",
  "destination-app-id",
]);

/** Precomputes what every remote call of this sidecar adds (Dapr `pkg/messaging/direct_messaging.go`). */
export function forwardedBy(
  caller: CallerIdentity,
): (metadata: HeaderList, target: ResolveRequest) => HeaderList {
  const fixed: string[] = [];
  const { host, hostname } = caller;
  if (host !== undefined) fixed.push("X-Forwarded-For", host);
  if (hostname !== undefined) fixed.push("X-Forwarded-Host", hostname);
  const forwarded = forwardedElement(host, hostname);
  if (forwarded !== "") fixed.push("Forwarded", forwarded);
  fixed.push("dapr-caller-namespace", caller.namespace, "dapr-caller-app-id", caller.appId);

  return (metadata, target) => {
    const result: string[] = [];
    for (let index = 0; index < metadata.length; index += 2) {
      const name = metadata[index] as string;
      if (isReserved(name)) continue;
      result.push(name, metadata[index + 1] as string);
    }
    result.push(...fixed, "destination-app-id", target.appId, "dapr-callee-app-id", target.appId);
    return result;
  };
}

function isReserved(name: string): boolean {
  // The four names are 18 to 21 characters long; most headers are not.
  return name.length >= 18 && name.length <= 21 && reserved.has(name.toLowerCase());
}

/** RFC 7239 element; IPv6 is quoted and bracketed. */
function forwardedElement(host: string | undefined, hostname: string | undefined): string {
  const parts: string[] = [];
  if (host !== undefined) {
    const node = host.includes(":") ? `"[${host}]"` : host;
    parts.push(`for=${node}`, `by=${node}`);
  }
  if (hostname !== undefined) parts.push(`host=${hostname}`);
  return parts.join(";");
}
