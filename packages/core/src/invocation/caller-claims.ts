import type { HeaderList, PeerIdentity } from "../call.ts";

const appIdKey = "dapr-caller-app-id";
const namespaceKey = "dapr-caller-namespace";

/**
 * What the metadata says of the caller, made true: with a proven identity the app hears its app id,
 * and its namespace where the peer names one (Dapr's proxied calls do not), whatever the peer wrote.
 * Without a proven identity the claims stay as they are.
 */
export function provenClaims(metadata: HeaderList, peer: PeerIdentity | undefined): HeaderList {
  if (peer === undefined || isTrue(metadata, peer)) return metadata;
  const kept: string[] = [];
  let namesNamespace = false;
  for (let index = 0; index < metadata.length; index += 2) {
    const name = metadata[index] as string;
    if (is(name, namespaceKey)) namesNamespace = true;
    else if (!is(name, appIdKey)) kept.push(name, metadata[index + 1] as string);
  }
  if (namesNamespace) kept.push(namespaceKey, peer.namespace);
  kept.push(appIdKey, peer.appId);
  return kept;
}

/** Each claim is there once at most and right, the app id at least: nothing has to be copied. */
function isTrue(metadata: HeaderList, peer: PeerIdentity): boolean {
  let appIds = 0;
  let namespaces = 0;
  for (let index = 0; index < metadata.length; index += 2) {
    const name = metadata[index] as string;
    if (is(name, appIdKey)) {
      if (metadata[index + 1] !== peer.appId) return false;
      appIds += 1;
    } else if (is(name, namespaceKey)) {
      if (metadata[index + 1] !== peer.namespace) return false;
      namespaces += 1;
    }
  }
  return appIds === 1 && namespaces <= 1;
}

function is(name: string, key: string): boolean {
  return name.length === key.length && name.toLowerCase() === key;
}
