import type { SignCertificateRequest } from "@outrigger/protocol";

/**
 * DNS names of control plane services, which webhooks and clients of the scheduler verify. Workloads
 * have none (Dapr `pkg/sentry/server/server.go`).
 */
export function controlPlaneNames(
  { id, namespace }: Pick<SignCertificateRequest, "id" | "namespace">,
  authority: { readonly namespace: string; readonly clusterDomain: string },
): readonly string[] {
  if (namespace !== authority.namespace) return [];
  switch (id) {
    case "dapr-injector":
      return [`dapr-sidecar-injector.${namespace}.svc`];
    case "dapr-operator":
      return [`dapr-webhook.${namespace}.svc`];
    case "dapr-scheduler": {
      const host = `dapr-scheduler-server.${namespace}.svc.${authority.clusterDomain}`;
      return [0, 1, 2].map((index) => `dapr-scheduler-server-${index}.${host}`);
    }
    default:
      return [];
  }
}
