import { type Instance, joinHostPort, OutriggerError } from "@outrigger/core";
import type { ConsulSettings } from "./options.ts";

/**
 * A health check with the keys and duration texts (`"15s"`) of Consul's agent API: `name`, `http`,
 * `grpc`, `tcp`, `interval`, `deregisterCriticalServiceAfter`, ...
 */
export type ConsulCheck = Readonly<Record<string, unknown>>;

/** A service definition with the keys of Consul's agent API. */
export type ConsulRegistration = Readonly<Record<string, unknown>>;

/** What is sent to the agent, and what must be known about it later. */
export interface Registration {
  readonly id: string;
  readonly payload: ConsulRegistration;
  /** Check that the sidecar itself has to keep passing. */
  readonly ttlCheckId: string | undefined;
}

/** Dapr's words for what an instance lacks, in the order in which Dapr looks. */
const required: readonly (readonly ["appId" | "host" | "internalPort", string])[] = [
  ["internalPort", "DAPR_PORT"],
  ["appId", "APP_ID"],
  ["host", "HOST_ADDRESS"],
];

/** Checks what is to be announced. @throws OutriggerError `OTR_OPTIONS_INVALID`, naming the field. */
export function checkInstance(instance: Instance): void {
  const { internalPort } = instance;
  const isPort = Number.isInteger(internalPort) && internalPort > 0 && internalPort <= 65_535;
  for (const [field, property] of required) {
    if (field === "internalPort" ? isPort : instance[field]) continue;
    throw new OutriggerError(
      `resolver-consul: ${field}: metadata property missing: ${property} (got ${JSON.stringify(instance[field])})`,
      { code: "OTR_OPTIONS_INVALID", details: { field } },
    );
  }
}

/** The registration of an instance. */
export function registrationOf(instance: Instance, settings: ConsulSettings): Registration {
  const { advancedRegistration: advanced } = settings;
  return advanced === undefined
    ? ownRegistration(instance, settings)
    : advancedRegistration(advanced, instance, settings);
}

function ownRegistration(instance: Instance, settings: ConsulSettings): Registration {
  const { appId, host, appPort } = instance;
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  // A sidecar without HTTP API has no port that Dapr's form of the id could carry.
  const id = `${appId}-${bare}-${instance.httpPort || instance.internalPort}`;
  const check = settings.checks === undefined ? defaultCheck(id, instance, settings) : undefined;
  const payload = {
    ID: id,
    Name: appId,
    Address: bare,
    // Dapr registers the app's port here; peers read the sidecar's from the metadata.
    ...(appPort > 0 && { Port: appPort }),
    ...(settings.tags && { Tags: settings.tags }),
    Meta: metaOf(settings.meta ?? {}, instance, settings),
    Checks: check === undefined ? settings.checks : [check],
  };
  const isTtl = check !== undefined && "TTL" in check;
  return { id, payload, ttlCheckId: isTtl ? checkIdOf(id) : undefined };
}

function advancedRegistration(
  given: ConsulRegistration,
  instance: Instance,
  settings: ConsulSettings,
): Registration {
  const [metaKey = "Meta", meta] = entryOf(given, "meta") ?? [];
  const id = entryOf(given, "id")?.[1] || entryOf(given, "name")?.[1];
  const known = typeof meta === "object" && meta !== null ? meta : {};
  const payload = { ...given, [metaKey]: metaOf(known, instance, settings) };
  return { id: String(id ?? ""), payload, ttlCheckId: undefined };
}

/** Consul reads keys in any case, so we find them in any case. */
function entryOf(of: ConsulRegistration, key: string): readonly [string, unknown] | undefined {
  return Object.entries(of).find(([name]) => name.toLowerCase() === key);
}

function metaOf(given: object, instance: Instance, settings: ConsulSettings): object {
  const { daprPortMetaKey, namespaceMetaKey } = settings;
  return {
    ...given,
    ...(namespaceMetaKey !== "" && { [namespaceMetaKey]: instance.namespace || "default" }),
    // An empty key stays empty, as in Dapr: then Consul refuses the registration and says why.
    [daprPortMetaKey]: String(instance.internalPort),
  };
}

function defaultCheck(id: string, instance: Instance, settings: ConsulSettings): ConsulCheck {
  const { checkIntervalMs, deregisterCriticalAfterMs } = settings;
  const interval = durationText(checkIntervalMs);
  return {
    Name: "Dapr Health Status",
    CheckID: checkIdOf(id),
    // The sidecar announces itself when it serves, so nobody has to wait for the first probe.
    Status: "passing",
    ...(deregisterCriticalAfterMs > 0 && {
      DeregisterCriticalServiceAfter: durationText(deregisterCriticalAfterMs),
    }),
    ...probe(instance, settings.check, interval),
  };
}

function probe(instance: Instance, kind: ConsulSettings["check"], interval: string): ConsulCheck {
  const { appId, httpPort, internalPort } = instance;
  const host = instance.host.replace(/^\[(.*)\]$/, "$1");
  if (kind === "tcp") return { TCP: joinHostPort(host, internalPort), Interval: interval };
  // Without an HTTP API there is nothing to probe, but still something to say.
  if (kind === "ttl" || httpPort === 0) return { TTL: interval };
  // With the id, another app's sidecar at a reused address does not keep this check green.
  const query = `appid=${encodeURIComponent(appId)}`;
  return {
    HTTP: `http://${joinHostPort(host, httpPort)}/v1.0/healthz?${query}`,
    Interval: interval,
  };
}

function checkIdOf(id: string): string {
  return `daprHealth:${id}`;
}

/** A duration as Go reads it, and as Dapr writes it where it can. */
function durationText(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
