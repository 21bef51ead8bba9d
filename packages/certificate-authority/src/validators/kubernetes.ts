import { errorText } from "@outrigger/core";
import { type SignCertificateRequest, tokenValidator } from "@outrigger/protocol";
import { parseTrustDomain } from "@outrigger/spiffe";
import { Fields } from "../kubernetes/cluster-access.ts";
import type { KubernetesClient, PodFacts } from "../kubernetes/kubernetes-client.ts";
import { checkRequest, defaultTrustDomain } from "./common-checks.ts";
import type { TokenValidator } from "./token-validator.ts";

/** Options of `kubernetesValidator`. */
export interface KubernetesValidatorOptions {
  readonly client: KubernetesClient;
  /** SPIFFE id of the authority: an audience of tokens. */
  readonly spiffeId: string;
  /** Trust domain and namespace of the control plane. */
  readonly trustDomain: string;
  readonly namespace: string;
}

const services: ReadonlySet<string> = new Set([
  "operator",
  "placement",
  "injector",
  "sentry",
  "scheduler",
]);

/**
 * Wants the token of the service account under which the asking pod runs, and gives it the app id
 * that the pod is annotated with (Dapr `pkg/sentry/server/validator/kubernetes`).
 */
export function kubernetesValidator(options: KubernetesValidatorOptions): TokenValidator {
  return {
    number: tokenValidator.kubernetes,
    healthTarget: "sentry-kubernetes-validator",
    // Pods are looked up at each request: there is no cache that must fill first.
    ready: true,
    validate: (request, signal) => validate(request, options, signal),
  };
}

interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

async function validate(
  request: SignCertificateRequest,
  options: KubernetesValidatorOptions,
  signal: AbortSignal,
): Promise<string> {
  checkRequest(request);
  const account = await reviewToken(request.token, options, signal);
  const podName = podNameOf(request.token);
  const pod = await options.client
    .pod(account.namespace, podName, signal)
    .catch((cause: unknown) => {
      throw new Error("failed to get pod of identity", { cause });
    });
  if (account.namespace !== request.namespace) {
    throw new Error(`namespace mismatch; received namespace: ${request.namespace}`);
  }
  if (pod.serviceAccount !== account.name) throw new Error("pod service account mismatch");
  const service = controlPlaneService(pod, podName, account.namespace, options.namespace);
  const expected =
    service === undefined ? (pod.annotations["dapr.io/app-id"] ?? podName) : `dapr-${service}`;
  if (expected !== request.id) {
    throw new Error(`app-id mismatch. expected: ${expected}, received: ${request.id}`);
  }
  if (service !== undefined) return options.trustDomain;
  return trustDomainOf(pod, request.namespace, options.client, signal);
}

async function reviewToken(
  token: string,
  { client, spiffeId }: KubernetesValidatorOptions,
  signal: AbortSignal,
): Promise<ServiceAccount> {
  const review = await client
    .reviewToken(token, ["dapr.io/sentry", spiffeId], signal)
    .catch((cause: unknown) => {
      throw new Error(`token review failed: ${errorText(cause)}`, { cause });
    });
  if (review.error !== "") throw new Error(`invalid token: ${review.error}`);
  if (!review.authenticated) throw new Error("authentication failed");
  const parts = review.username.split(":");
  const [first, , namespace = "", name = ""] = parts;
  if (parts.length !== 4 || first !== "system") {
    throw new Error("provided token is not a properly structured service account token");
  }
  return { namespace, name };
}

/**
 * The pod that a token is bound to. The cluster has verified the token, so its payload is only read;
 * besides a JWT the bare payload counts, as in Dapr.
 */
function podNameOf(token: string): string {
  const text = token.trim();
  const payload = text.startsWith("{")
    ? text
    : Buffer.from(text.split(".")[1] ?? "", "base64url").toString("utf8");
  const name = parseFields(payload).inner("kubernetes.io").inner("pod").text("name");
  if (name !== undefined) return name;
  throw new Error("kubernetes.io/pod/name claim is missing from Kubernetes token");
}

function parseFields(json: string): Fields {
  try {
    return new Fields(JSON.parse(json));
  } catch (cause) {
    // The text of the cause would show a part of the token.
    throw new Error("failed to parse Kubernetes token: its payload is no JSON object", { cause });
  }
}

/** The control plane service that a pod runs, if any. */
function controlPlaneService(
  { annotations }: PodFacts,
  podName: string,
  podNamespace: string,
  controlPlaneNamespace: string,
): string | undefined {
  const service = annotations["dapr.io/control-plane"];
  if (service === undefined) return undefined;
  if (podNamespace !== controlPlaneNamespace) {
    throw new Error(`control plane service in namespace '${podNamespace}' is not allowed`);
  }
  if (!services.has(service)) throw new Error(`unknown control plane service '${podName}'`);
  if (annotations["dapr.io/app-id"] !== undefined) {
    throw new Error(`control plane service '${podName}' cannot have annotation 'dapr.io/app-id'`);
  }
  return service;
}

async function trustDomainOf(
  pod: PodFacts,
  namespace: string,
  client: KubernetesClient,
  signal: AbortSignal,
): Promise<string> {
  const name = pod.annotations["dapr.io/config"];
  if (name === undefined) return defaultTrustDomain;
  const spec = await client.configurationSpec(namespace, name, signal).catch((cause: unknown) => {
    throw new Error("failed to get configuration", { cause });
  });
  const text = new Fields(spec).inner("accessControl").text("trustDomain");
  if (text === undefined) return defaultTrustDomain;
  const trustDomain = parseTrustDomain(text);
  if (trustDomain !== undefined) return trustDomain;
  throw new Error(
    `failed to parse trust domain "${text}": trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores`,
  );
}
