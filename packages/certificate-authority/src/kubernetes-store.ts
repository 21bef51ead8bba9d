import type { KubernetesClient } from "./kubernetes/kubernetes-client.ts";
import type { MaterialStore, StoredMaterial } from "./material-store.ts";

/** Options of `kubernetesStore`. */
export interface KubernetesStoreOptions {
  readonly client: KubernetesClient;
  /** Namespace of the authority. */
  readonly namespace: string;
  /** Keys of the Secret; default Dapr's: `ca.crt`, `issuer.crt`, ... */
  readonly keys?: Partial<Record<keyof Required<StoredMaterial>, string>> | undefined;
  /** Where the Secret is mounted: its changes call for another load. Default nowhere. */
  readonly folders?: readonly string[] | undefined;
}

const objectName = "dapr-trust-bundle";

const defaultKeys = {
  trustAnchors: "ca.crt",
  issuerChain: "issuer.crt",
  issuerKey: "issuer.key",
  jwtKey: "jwt.key",
  jwks: "jwks.json",
} as const;

type Part = keyof typeof defaultKeys;
const parts = Object.keys(defaultKeys) as Part[];
const x509Parts: ReadonlySet<Part> = new Set(["trustAnchors", "issuerChain", "issuerKey"]);
/** What sidecars read; the rest is secret. */
const publicParts: ReadonlySet<Part> = new Set(["trustAnchors", "jwks"]);

/**
 * Keeps an authority in the Secret and the ConfigMap `dapr-trust-bundle`, which must exist. When
 * their roots differ there is no authority, as for Dapr: the sidecars have been given the ConfigMap's.
 */
export function kubernetesStore(options: KubernetesStoreOptions): MaterialStore {
  const { client, namespace, keys = {}, folders = [] } = options;
  const key = (part: Part): string => keys[part] ?? defaultKeys[part];
  return {
    folders,
    async load(signal) {
      const [secret, published] = await Promise.all([
        client.secret(namespace, objectName, signal),
        client.configMap(namespace, objectName, signal),
      ]);
      const anchors = key("trustAnchors");
      const agreed = secret[anchors] === published[anchors];
      const found = parts.filter((part) => agreed || !x509Parts.has(part));
      return Object.fromEntries(found.map((part) => [part, secret[key(part)] || undefined]));
    },
    async save(material, signal) {
      const secret: Record<string, string> = {};
      const published: Record<string, string> = {};
      for (const part of parts) {
        const text = material[part];
        if (text === undefined) continue;
        secret[key(part)] = text;
        if (publicParts.has(part)) published[key(part)] = text;
      }
      await client.updateSecret(namespace, objectName, secret, signal);
      const isPublic = Object.keys(published).length > 0;
      if (isPublic) await client.updateConfigMap(namespace, objectName, published, signal);
    },
  };
}
