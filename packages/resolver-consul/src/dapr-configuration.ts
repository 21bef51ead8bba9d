import { daprConfiguration } from "./dapr-shape.ts";
import { readShape } from "./json-shape.ts";
import type { ConsulClientOptions, ConsulQueryOptions, ResolverConsulOptions } from "./options.ts";
import type { ConsulCheck, ConsulRegistration } from "./registration.ts";

/** The parts of Dapr's configuration that have another form here. Durations in nanoseconds. */
interface DaprConfiguration {
  readonly client?: Omit<ConsulClientOptions, "waitMs" | "tls"> & {
    readonly waitTime?: number;
    readonly tlsConfig?: NonNullable<ConsulClientOptions["tls"]>;
  };
  readonly queryOptions?: Omit<ConsulQueryOptions, "maxAgeMs" | "staleIfErrorMs" | "waitMs"> & {
    readonly maxAge?: number;
    readonly staleIfError?: number;
    readonly waitTime?: number;
    readonly waitIndex?: number;
    readonly waitHash?: string;
  };
  readonly checks?: readonly ConsulCheck[];
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly advancedRegistration?: ConsulRegistration;
  readonly daprPortMetaKey?: string;
  readonly selfRegister?: boolean;
  readonly selfDeregister?: boolean;
  readonly useCache?: boolean;
}

const nanosecondsPerMs = 1_000_000;
const [shortestWaitMs, longestWaitMs] = [100, 600_000];

/**
 * Options from the `configuration` of Dapr's Consul component, with Dapr's defaults: nothing is
 * registered unless asked for, the agent probes the HTTP port, namespaces are ignored. Two defaults
 * are better than Dapr's: a registration is taken back at shutdown, and what is known is kept in
 * memory. An explicit `false` turns either off.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` with Dapr's text for a value of another type.
 */
export function consulOptionsFromDapr(configuration: unknown): ResolverConsulOptions {
  const { client, queryOptions, ...others } = readConfiguration(configuration);
  return {
    selfRegister: false,
    selfDeregister: true,
    useCache: true,
    check: "http",
    namespaceMetaKey: "",
    ...others,
    ...(client !== undefined && { client: clientOf(client) }),
    queryOptions: queryOptions === undefined ? { useCache: true } : queryOf(queryOptions),
  };
}

function readConfiguration(configuration: unknown): DaprConfiguration {
  // The shape is what makes this true.
  return (readShape(daprConfiguration, configuration) ?? {}) as DaprConfiguration;
}

function clientOf(client: NonNullable<DaprConfiguration["client"]>): ConsulClientOptions {
  const { waitTime = 0, tlsConfig, scheme, httpAuth, ...others } = client;
  const waitMs = Math.min(Math.max(waitTime / nanosecondsPerMs, shortestWaitMs), longestWaitMs);
  return {
    ...others,
    // A blank one is none, and falls back to the environment.
    ...(scheme && { scheme }),
    ...(httpAuth && { httpAuth: { ...{ username: "", password: "" }, ...httpAuth } }),
    ...(waitTime > 0 && { waitMs }),
    ...(tlsConfig && { tls: tlsConfig }),
  };
}

function queryOf(query: NonNullable<DaprConfiguration["queryOptions"]>): ConsulQueryOptions {
  // Dapr's resolver never blocks, so it drops where to wait from.
  const { maxAge, staleIfError, waitTime, waitIndex: _index, waitHash: _hash, ...others } = query;
  return {
    ...others,
    ...(maxAge && { maxAgeMs: maxAge / nanosecondsPerMs }),
    ...(staleIfError && { staleIfErrorMs: staleIfError / nanosecondsPerMs }),
    ...(waitTime && { waitMs: Math.round(waitTime / nanosecondsPerMs) }),
  };
}
