import type { StandardSchema } from "@outrigger/core";
import * as v from "valibot";
import { type NameTemplate, parseTemplate } from "./name-template.ts";

/** Where endpoints come from. */
export type KubernetesMode = "auto" | "dns" | "endpointSlices";

/** Options of `resolverKubernetes`. Everything has a default that fits a sidecar in a pod. */
export interface ResolverKubernetesOptions {
  /**
   * `endpointSlices` watches the cluster's API, `dns` asks the cluster's DNS as Dapr does, `auto`
   * watches where the service account may and asks DNS where it may not. Default `auto`.
   */
  readonly mode?: KubernetesMode;
  /** Domain of the cluster, for `dns`. Default `cluster.local`. */
  readonly clusterDomain?: string;
  /**
   * `host:port` as a Go template over `{{.ID}}`, `{{.Namespace}}`, `{{.Port}}`, for `dns`. Wins over
   * `clusterDomain`, and makes `auto` mean `dns`. Default none.
   */
  readonly template?: string;
  /** Port of every app in `dns`, which knows none: the internal gRPC port. Default 50002. */
  readonly port?: number;
  /** Longest time that an answer of DNS is used, in milliseconds. Default 20000, as in Dapr. */
  readonly maxCacheMs?: number;
  /** Longest time of one look-up, in milliseconds. Default 2000. */
  readonly lookupTimeoutMs?: number;
  /** DNS servers as `address` or `address:port`. Default those of the system. */
  readonly nameServers?: readonly string[];
  /** Port of the Service that sidecars listen on. Default `dapr-internal`. */
  readonly portName?: string;
  /** Own zone: endpoints that the cluster has hinted for it are preferred. Default none. */
  readonly zone?: string;
  /** URL of the API server. Default that of the cluster the process runs in. */
  readonly apiServer?: string;
  /** Folder with `token` and `ca.crt`. Default where Kubernetes mounts the service account. */
  readonly serviceAccountFolder?: string;
  /** Path of a kubeconfig, for processes outside the cluster. Default none. */
  readonly kubeconfig?: string;
  /** Longest pause before the API server is asked again, in milliseconds. Default 10000. */
  readonly maxBackoffMs?: number;
  /** How long an endpoint that could not be reached is avoided, in milliseconds. Default 5000. */
  readonly retryAfterMs?: number;
  /** Most namespaces watched at once; the one opened first goes first. Default 64. */
  readonly maxNamespaces?: number;
}

/** Options with their defaults. */
export interface KubernetesSettings {
  readonly mode: KubernetesMode;
  readonly clusterDomain: string;
  readonly template?: NameTemplate;
  readonly port: number;
  readonly maxCacheMs: number;
  readonly lookupTimeoutMs: number;
  readonly nameServers?: readonly string[];
  readonly portName: string;
  readonly zone?: string;
  readonly apiServer?: string;
  readonly serviceAccountFolder: string;
  readonly kubeconfig?: string;
  readonly maxBackoffMs: number;
  readonly retryAfterMs: number;
  readonly maxNamespaces: number;
}

// Longer delays would overflow setTimeout, which then fires at once.
const maxDelayMs = 2_147_483_647;
const delay = (minMs: number) => v.pipe(v.number(), v.minValue(minMs), v.maxValue(maxDelayMs));
const text = v.pipe(v.string(), v.nonEmpty("must not be empty"));

const template = v.pipe(
  text,
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseTemplate(dataset.value);
    } catch (reason) {
      addIssue({ message: reason instanceof Error ? reason.message : String(reason) });
      return NEVER;
    }
  }),
);

const nameServer = v.pipe(
  v.string(),
  v.regex(
    /^(?:[\d.]+(?::\d{1,5})?|[\da-fA-F:.]+|\[[\da-fA-F:.]+\](?::\d{1,5})?)$/,
    "must be an IP address, with or without a port",
  ),
);

/** Validates the options. */
export const optionsSchema: StandardSchema<KubernetesSettings> = v.strictObject({
  mode: v.optional(v.picklist(["auto", "dns", "endpointSlices"]), "auto"),
  clusterDomain: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z\d](?:[A-Za-z\d.-]*[A-Za-z\d])?$/, "must be a domain")),
    "cluster.local",
  ),
  template: v.exactOptional(template),
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)), 50_002),
  maxCacheMs: v.optional(v.pipe(delay(0), v.maxValue(20_000)), 20_000),
  lookupTimeoutMs: v.optional(delay(1), 2_000),
  nameServers: v.exactOptional(v.pipe(v.array(nameServer), v.minLength(1))),
  portName: v.optional(text, "dapr-internal"),
  zone: v.exactOptional(text),
  apiServer: v.exactOptional(v.pipe(v.string(), v.url(), v.startsWith("https://"))),
  serviceAccountFolder: v.optional(text, "/var/run/secrets/kubernetes.io/serviceaccount"),
  kubeconfig: v.exactOptional(text),
  maxBackoffMs: v.optional(delay(1), 10_000),
  retryAfterMs: v.optional(delay(0), 5_000),
  maxNamespaces: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 64),
});
