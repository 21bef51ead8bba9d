export { kubernetesOptionsFromDapr } from "./dapr-options.ts";
export type { KubernetesMode, ResolverKubernetesOptions } from "./options.ts";
export { resolverKubernetes, resolverKubernetes as resolver } from "./resolver-kubernetes.ts";
