import type { OutgoingHttpHeaders } from "node:http";
import type { QueryParameters, Question } from "./consul-agent.ts";
import type { ConsulQueryOptions } from "./options.ts";

/**
 * The question for the healthy instances of an app, with the parameters of Consul's Go client.
 * @param cached false for what was just told to have changed: the agent's cache may not know it yet.
 */
export function healthQuestion(options: ConsulQueryOptions, cached: boolean): Question {
  const { allowStale, requireConsistent, nodeMeta, waitMs, relayFactor } = options;
  const useCache = cached && options.useCache === true && requireConsistent !== true;
  const parameters: QueryParameters = {
    passing: "1",
    ...(options.datacenter && { dc: options.datacenter }),
    stale: allowStale ? "" : undefined,
    consistent: requireConsistent ? "" : undefined,
    cached: useCache ? "" : undefined,
    wait: waitMs ? `${waitMs}ms` : undefined,
    near: options.near || undefined,
    "node-meta": Object.entries(nodeMeta ?? {}).map(([key, value]) => `${key}:${value}`),
    "relay-factor": relayFactor ? String(relayFactor) : undefined,
    "local-only": options.localOnly ? "true" : undefined,
    connect: options.connect ? "true" : undefined,
    filter: options.filter || undefined,
  };
  const headers = useCache ? cacheHeaders(options) : {};
  return { parameters, headers, token: options.token };
}

/**
 * The blocking question for every check of these apps. One pattern for all: the agent needs a tenth
 * of the time that a comparison with each name takes (140 ms for 1000 names and 10000 checks).
 * @param appIds of letters, digits, `_`, `-` and dots.
 */
export function checksQuestion(
  options: ConsulQueryOptions,
  appIds: Iterable<string>,
  index: string,
  waitMs: number,
): Question {
  const parameters: QueryParameters = {
    ...(options.datacenter && { dc: options.datacenter }),
    ...(options.allowStale && { stale: "" }),
    ...(options.requireConsistent && { consistent: "" }),
    filter: `ServiceName matches "^(?:${Array.from(appIds, asPattern).join("|")})$"`,
    ...(index !== "0" && { index, wait: `${waitMs}ms` }),
  };
  return { parameters, token: options.token };
}

function cacheHeaders({ maxAgeMs, staleIfErrorMs }: ConsulQueryOptions): OutgoingHttpHeaders {
  const seconds = (ms: number): number => Math.floor(ms / 1_000);
  const directives = [
    ...(maxAgeMs ? [`max-age=${seconds(maxAgeMs)}`] : []),
    ...(staleIfErrorMs ? [`stale-if-error=${seconds(staleIfErrorMs)}`] : []),
  ];
  return directives.length === 0 ? {} : { "Cache-Control": directives.join(", ") };
}

/** In brackets a dot is itself, without a backslash that Consul's filter language would take away. */
function asPattern(appId: string): string {
  return appId.replaceAll(".", "[.]");
}
