import type { HeaderList, PeerIdentity } from "../call.ts";

const appIdKey = "dapr-caller-app-id";
const namespaceKey = "dapr-caller-namespace";

/**
 * What the metadata says of the caller, made true: with a proven identity the app hears its app id
 * and namespace, whatever the peer wrote. Without one the claims stay as they are.
 */
export function provenClaims(metadata: HeaderList, peer: PeerIdentity | undefined): HeaderList {
  if (peer === undefined || isTrue(metadata, peer)) return metadata;
  const kept: string[] = [];
  for (let index = 0; index < metadata.length; index += 2) {
    const name = metadata[index] as string;
    if (claimed(name, peer) === undefined) kept.push(name, metadata[index + 1] as string);
  }
  kept.push(namespaceKey, peer.namespace, appIdKey, peer.appId);
  return kept;
}

/** Each claim is there once and right: nothing has to be copied. */
function isTrue(metadata: HeaderList, peer: PeerIdentity): boolean {
  let claims = 0;
  for (let index = 0; index < metadata.length; index += 2) {
    const proven = claimed(metadata[index] as string, peer);
    if (proven === undefined) continue;
    if (proven !== metadata[index + 1]) return false;
    claims += 1;
  }
  return claims === 2;
}

/** What a header that speaks of the caller must say; `undefined` for any other header. */
function claimed(name: string, peer: PeerIdentity): string | undefined {
  if (name.length === appIdKey.length && name.toLowerCase() === appIdKey) return peer.appId;
  if (name.length !== namespaceKey.length) return undefined;
  return name.toLowerCase() === namespaceKey ? peer.namespace : undefined;
}
