import type { StandardSchema } from "@outrigger/core";
import * as v from "valibot";
import type { ConsulCheck, ConsulRegistration } from "./registration.ts";

/** Encryption of the connection to the agent. Files are read once, at start. */
export interface ConsulTlsOptions {
  /** Name in the agent's certificate, when it differs from the host; a port is ignored. */
  readonly address?: string;
  /** PEM file with the certificate authorities of the agent. Default: those of Node. */
  readonly caFile?: string;
  /** Folder of such files. */
  readonly caPath?: string;
  /** PEM file with the client certificate; only together with `keyFile`. */
  readonly certFile?: string;
  /** PEM file with its key. */
  readonly keyFile?: string;
  /** Accepts any certificate of the agent. Default false. Never in production. */
  readonly insecureSkipVerify?: boolean;
}

/** How the agent is reached. What is left out is taken from Consul's environment variables. */
export interface ConsulClientOptions {
  /** `host:port`, also with `http://`, `https://` or `unix://` and a path. Default `127.0.0.1:8500`. */
  readonly address?: string;
  /** Default `http`. */
  readonly scheme?: "http" | "https";
  /** Default: the agent's own. */
  readonly datacenter?: string;
  /** Basic authentication, for a proxy before the agent. */
  readonly httpAuth?: { readonly username: string; readonly password: string };
  /** Longest wait of a blocking query, in milliseconds. Default 60000. */
  readonly waitMs?: number;
  /** ACL token. */
  readonly token?: string;
  /** File with the ACL token, read once at start; wins over `token`. */
  readonly tokenFile?: string;
  readonly tls?: ConsulTlsOptions;
}

/** How instances are asked for. */
export interface ConsulQueryOptions {
  readonly datacenter?: string;
  /** Any server may answer, not only the leader. */
  readonly allowStale?: boolean;
  /** The leader asks the other servers before it answers. */
  readonly requireConsistent?: boolean;
  /** The agent's own cache answers; dropped when `requireConsistent` is set. Default false. */
  readonly useCache?: boolean;
  /** Oldest answer of the agent's cache, in milliseconds. */
  readonly maxAgeMs?: number;
  /** How much older it may be while the servers are away, in milliseconds. */
  readonly staleIfErrorMs?: number;
  /** Sent as `wait`, in milliseconds. */
  readonly waitMs?: number;
  /** ACL token of the queries, where it differs from that of the client. */
  readonly token?: string;
  /** Sorts by distance from this node, for example `_agent`. */
  readonly near?: string;
  /** Only instances on nodes with this metadata. */
  readonly nodeMeta?: Readonly<Record<string, string>>;
  readonly relayFactor?: number;
  readonly localOnly?: boolean;
  readonly connect?: boolean;
  /** Consul's filter expression. */
  readonly filter?: string;
}

/** Options of `resolverConsul`. */
export interface ResolverConsulOptions {
  readonly client?: ConsulClientOptions;
  readonly queryOptions?: ConsulQueryOptions;
  /** Registers the own sidecar. Default true. */
  readonly selfRegister?: boolean;
  /** Takes the registration back at shutdown. Default true. */
  readonly selfDeregister?: boolean;
  /**
   * How Consul knows that the sidecar lives, unless `checks` are given. `ttl` (default): the sidecar
   * says so itself, which needs no port that the agent can reach. `http`: the agent asks
   * `/v1.0/healthz`, as in Dapr. `tcp`: the agent connects to the internal port.
   */
  readonly check?: "ttl" | "http" | "tcp";
  /** Interval of that check in milliseconds; of `ttl`, the time without a sign of life. Default 15000. */
  readonly checkIntervalMs?: number;
  /** Consul removes an instance that failed its check for this long, in milliseconds. Default 600000; 0 never. */
  readonly deregisterCriticalAfterMs?: number;
  /** Checks in place of that one. */
  readonly checks?: readonly ConsulCheck[];
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  /** A whole registration in Consul's form, in place of all of the above. */
  readonly advancedRegistration?: ConsulRegistration;
  /** Metadata key of the internal port. Default `DAPR_PORT`; sidecars only meet with the same one. */
  readonly daprPortMetaKey?: string;
  /** Metadata key of the namespace; empty: namespaces are ignored. Default `OUTRIGGER_NAMESPACE`. */
  readonly namespaceMetaKey?: string;
  /** Keeps what is known in memory and up to date by one blocking query. Default true; else every call asks the agent. */
  readonly useCache?: boolean;
  /** A known app is asked for again after this time even when nothing changed, in milliseconds. Default 30000. */
  readonly refreshIntervalMs?: number;
  /** Most apps in the blocking query; more are asked for every second while in use. Default 1024. */
  readonly maxWatchedApps?: number;
  /** Longest time of one request to the agent, in milliseconds. Default 2000. */
  readonly requestTimeoutMs?: number;
  /** How long the last known endpoints serve while the agent is away, in milliseconds. Default 3600000. */
  readonly keepMs?: number;
  /** How long an endpoint that could not be reached is avoided, in milliseconds. Default 5000. */
  readonly retryAfterMs?: number;
}

type Defaulted =
  | "selfRegister"
  | "selfDeregister"
  | "check"
  | "checkIntervalMs"
  | "deregisterCriticalAfterMs"
  | "daprPortMetaKey"
  | "namespaceMetaKey"
  | "useCache"
  | "refreshIntervalMs"
  | "maxWatchedApps"
  | "requestTimeoutMs"
  | "keepMs"
  | "retryAfterMs"
  | "queryOptions";

/** Options with their defaults. */
export type ConsulSettings = Omit<ResolverConsulOptions, Defaulted> &
  Required<Pick<ResolverConsulOptions, Defaulted>>;

// Longer delays would overflow setTimeout, which then fires at once.
const maxDelayMs = 2_147_483_647;
const delay = (minMs: number) => v.pipe(v.number(), v.minValue(minMs), v.maxValue(maxDelayMs));
const text = v.pipe(v.string(), v.nonEmpty("must not be empty"));
const textOption = v.exactOptional(v.string());
const flagOption = v.exactOptional(v.boolean());
// Consul's own rule for metadata keys.
const metaKey = v.pipe(v.string(), v.regex(/^[\w-]{1,128}$/, "must be letters, digits, _ or -"));
const metaMap = v.record(metaKey, v.pipe(v.string(), v.maxLength(512)));

const tls = v.strictObject({
  address: textOption,
  caFile: textOption,
  caPath: textOption,
  certFile: textOption,
  keyFile: textOption,
  insecureSkipVerify: flagOption,
});

const client = v.strictObject({
  address: textOption,
  scheme: v.exactOptional(v.picklist(["http", "https"])),
  datacenter: textOption,
  httpAuth: v.exactOptional(v.strictObject({ username: v.string(), password: v.string() })),
  waitMs: v.exactOptional(v.pipe(delay(100), v.maxValue(600_000))),
  token: textOption,
  tokenFile: textOption,
  tls: v.exactOptional(tls),
});

const queryOptions = v.strictObject({
  datacenter: textOption,
  allowStale: flagOption,
  requireConsistent: flagOption,
  useCache: flagOption,
  maxAgeMs: v.exactOptional(delay(0)),
  staleIfErrorMs: v.exactOptional(delay(0)),
  waitMs: v.exactOptional(delay(0)),
  token: textOption,
  near: textOption,
  nodeMeta: v.exactOptional(v.record(v.string(), v.string())),
  relayFactor: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
  localOnly: flagOption,
  connect: flagOption,
  filter: textOption,
});

// Checks and whole registrations are Consul's to judge: it names what it does not like.
const passedOn = v.record(v.string(), v.unknown());

/** Validates the options. */
export const optionsSchema: StandardSchema<ConsulSettings> = v.strictObject({
  client: v.exactOptional(client),
  queryOptions: v.optional(queryOptions, {}),
  selfRegister: v.optional(v.boolean(), true),
  selfDeregister: v.optional(v.boolean(), true),
  check: v.optional(v.picklist(["ttl", "http", "tcp"]), "ttl"),
  checkIntervalMs: v.optional(delay(500), 15_000),
  deregisterCriticalAfterMs: v.optional(delay(0), 600_000),
  checks: v.exactOptional(v.array(passedOn)),
  tags: v.exactOptional(v.array(text)),
  meta: v.exactOptional(metaMap),
  advancedRegistration: v.exactOptional(passedOn),
  daprPortMetaKey: v.optional(v.union([v.literal(""), metaKey]), "DAPR_PORT"),
  namespaceMetaKey: v.optional(v.union([v.literal(""), metaKey]), "OUTRIGGER_NAMESPACE"),
  useCache: v.optional(v.boolean(), true),
  refreshIntervalMs: v.optional(delay(100), 30_000),
  maxWatchedApps: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1_024),
  requestTimeoutMs: v.optional(delay(10), 2_000),
  keepMs: v.optional(delay(0), 3_600_000),
  retryAfterMs: v.optional(delay(0), 5_000),
});
