import { type Endpoint, OutriggerError, type ResolveRequest } from "@outrigger/core";

/** An instance as the registry holds it, before namespaces are looked at. */
export interface FoundInstance {
  readonly host: string;
  readonly port: number;
  readonly namespace: string | undefined;
  readonly zone: string | undefined;
}

/** The instances of an app, and how many of its services are no sidecars that can be called. */
export interface FoundInstances {
  readonly instances: readonly FoundInstance[];
  readonly unusable: number;
}

/** Metadata keys that carry what Consul has no field for. */
export interface MetaKeys {
  readonly daprPortMetaKey: string;
  readonly namespaceMetaKey: string;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? (value as Fields) : {};
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Reads the answer of `/v1/health/service/<app id>`. What cannot be used is left out. */
export function readInstances(answer: unknown, appId: string, keys: MetaKeys): FoundInstances {
  const instances: FoundInstance[] = [];
  let unusable = 0;
  for (const entry of Array.isArray(answer) ? answer : []) {
    const { Node, Service } = fieldsOf(entry);
    const [node, service] = [fieldsOf(Node), fieldsOf(Service)];
    // Consul looks up names without regard to case; app ids are compared byte for byte.
    if (service.Service !== appId) continue;
    const meta = fieldsOf(service.Meta);
    const host = hostOf(textOf(service.Address) || textOf(node.Address));
    const port = portOf(textOf(meta[keys.daprPortMetaKey]));
    if (host === undefined || port === undefined) {
      unusable += 1;
      continue;
    }
    const namespace = textOf(meta[keys.namespaceMetaKey]) || undefined;
    const zone = textOf(fieldsOf(service.Locality).Zone) || textOf(fieldsOf(node.Locality).Zone);
    instances.push({ host, port, namespace, zone: zone || undefined });
  }
  return { instances, unusable };
}

/**
 * The endpoints that a caller means. An instance that states another namespace does not match; one
 * that states none, as Dapr's sidecars do, matches every one.
 */
export function endpointsOf(
  found: FoundInstances,
  namespace: string,
  keys: MetaKeys,
): readonly Endpoint[] {
  const endpoints = new Map<string, Endpoint>();
  for (const { host, port, namespace: stated, zone } of found.instances) {
    if (keys.namespaceMetaKey !== "" && stated !== undefined && stated !== namespace) continue;
    endpoints.set(`${host} ${port}`, {
      host,
      port,
      ...(zone !== undefined && { zone }),
      ...(stated !== undefined && { namespace: stated }),
    });
  }
  return [...endpoints.values()];
}

/** Why an app has no endpoint, in Dapr's words. */
export function notFound(
  { appId, namespace }: ResolveRequest,
  unusable: number,
  { daprPortMetaKey }: MetaKeys,
): OutriggerError {
  const text =
    unusable > 0
      ? `target service AppID '${appId}' found but ${daprPortMetaKey} missing from meta`
      : `no healthy services found with AppID '${appId}'`;
  return new OutriggerError(text, {
    code: "OTR_RESOLVE_NOT_FOUND",
    details: { appId, namespace, unusable },
  });
}

function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
}

/** IPv6 may have been registered with its brackets; anything with spaces or slashes is no host. */
function hostOf(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  return /^[^\s[\]/@?#]+$/.test(bare) ? bare : undefined;
}
