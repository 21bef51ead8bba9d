/** Answer of a token review (`authentication.k8s.io/v1`). */
export interface TokenReview {
  readonly authenticated: boolean;
  readonly username: string;
  /** Why the token is no good, in the cluster's words. */
  readonly error: string;
}

/** What is looked at of a pod. */
export interface PodFacts {
  readonly serviceAccount: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A Secret or a ConfigMap as text by key. */
export type ClusterTexts = Readonly<Record<string, string>>;

/** What an authority asks of a cluster. Small, so that tests and other clients can stand in. */
export interface KubernetesClient {
  reviewToken(
    token: string,
    audiences: readonly string[],
    signal: AbortSignal,
  ): Promise<TokenReview>;
  /** Rejects when there is none. */
  pod(namespace: string, name: string, signal: AbortSignal): Promise<PodFacts>;
  /** `spec` of a Configuration of Dapr. Rejects when there is none. */
  configurationSpec(namespace: string, name: string, signal: AbortSignal): Promise<unknown>;
  /** Rejects when there is none. */
  secret(namespace: string, name: string, signal: AbortSignal): Promise<ClusterTexts>;
  /** Rejects when there is none. */
  configMap(namespace: string, name: string, signal: AbortSignal): Promise<ClusterTexts>;
  /** Sets the given keys; others stay. */
  updateSecret(
    namespace: string,
    name: string,
    texts: ClusterTexts,
    signal: AbortSignal,
  ): Promise<void>;
  /** Sets the given keys; others stay. */
  updateConfigMap(
    namespace: string,
    name: string,
    texts: ClusterTexts,
    signal: AbortSignal,
  ): Promise<void>;
}
