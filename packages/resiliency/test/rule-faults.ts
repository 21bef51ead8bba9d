import type { ResiliencyResource, RetryRule } from "@outrigger/conformance";
import {
  breakers,
  chance,
  component,
  entries,
  type Fault,
  making,
  reading,
  readingEach,
  retries,
  timeouts,
  trips,
} from "./broken-policies.ts";

const service = "DaprBuiltInServiceRetries";
const notFound = "DaprBuiltInActorNotFoundRetries";

/** Takes one pair of lists for another. */
function lists(from: RetryRule, to: RetryRule): Fault {
  return retries((rule) => {
    const { httpStatusCodes, grpcStatusCodes } = rule;
    const isIt =
      httpStatusCodes === from.httpStatusCodes && grpcStatusCodes === from.grpcStatusCodes;
    return isIt ? { ...rule, ...to } : rule;
  });
}

/** Renames policies of retries. */
function renamed(names: Readonly<Record<string, string>>): Fault {
  return readingEach(({ retries: rules = {}, ...rest }) => ({
    ...rest,
    retries: Object.fromEntries(
      Object.entries(rules).map(([name, rule]) => [names[name] ?? name, rule]),
    ),
  }));
}

/** Fills what a later definition leaves out with the earlier one's. */
function fieldsMerged(resources: readonly ResiliencyResource[]): readonly ResiliencyResource[] {
  const known: Record<string, RetryRule> = {};
  return resources.map((resource) => {
    for (const [name, rule] of Object.entries(resource.retries ?? {})) {
      known[name] = { ...known[name], ...rule };
    }
    const rules = Object.keys(resource.retries ?? {}).map((name) => [name, known[name]]);
    return { ...resource, retries: Object.fromEntries(rules) };
  });
}

/** Faults in reading rules, by the case that must catch them. */
export const ruleFaults: Readonly<Record<string, Fault>> = {
  "resiliency/target/nothing-loaded": component((inner) => ({
    hasTarget: (target) => inner.hasTarget(target) || target.startsWith("http://"),
  })),
  "resiliency/target/own-entry": component((inner) => ({
    hasTarget: (target) => target !== "billing" && inner.hasTarget(target),
  })),
  "resiliency/target/no-fallback": entries((rule, { retries: rules = {} }) =>
    rule.retry === undefined && "DefaultAppRetryPolicy" in rules
      ? { ...rule, retry: "DefaultAppRetryPolicy" }
      : rule,
  ),
  "resiliency/target/exact": component((inner) => ({
    policyFor: (target, key) => {
      const [bare = target] = target.split(".", 1);
      return inner.policyFor(inner.hasTarget(target) ? target : bare, key);
    },
  })),
  "resiliency/target/endpoints": component((inner) => ({
    policyFor: (target, key) => inner.policyFor(target.replace("http://", ""), key),
  })),
  "resiliency/target/unknown-policy": making((make) => async (resources, clock, context) => {
    const made = await make(resources, clock, context);
    const names = resources.flatMap((each) => Object.keys(each.retries ?? {}));
    const unknown = resources
      .flatMap(({ apps = {} }) => Object.values(apps).map(({ retry = "" }) => retry))
      .filter((name) => !/^$|^DaprBuiltIn/.test(name) && !names.includes(name));
    return { ...made, problems: [...made.problems, ...unknown] };
  }),
  "resiliency/default/every-target": component((inner) => ({
    policyFor: (target, key) =>
      target.endsWith(".other") && !inner.hasTarget(target)
        ? undefined
        : inner.policyFor(target, key),
  })),
  "resiliency/default/precedence": renamed({
    DefaultRetryPolicy: "DefaultAppRetryPolicy",
    DefaultAppRetryPolicy: "DefaultRetryPolicy",
  }),
  "resiliency/default/reserved-names-only": renamed({ DefaultRetry: "DefaultRetryPolicy" }),
  "resiliency/merge/last-wins": reading(fieldsMerged),
  "resiliency/merge/broken-resource": readingEach(({ timeouts: texts = {}, ...rest }) => ({
    ...rest,
    timeouts: Object.fromEntries(Object.entries(texts).filter(([, text]) => !/d$/.test(text))),
  })),
  "resiliency/built-in/replaced": component(({ builtInRetry }) => ({
    builtInRetry: builtInRetry && { ...builtInRetry, delayMs: 1_000 },
  })),
  "resiliency/built-in/three-at-least": retries((rule, name) =>
    name === service && (rule.maxRetries ?? -1) < 0 ? { ...rule, maxRetries: 9 } : rule,
  ),
  "resiliency/built-in/protected": readingEach(({ retries: rules = {}, ...rest }) => ({
    ...rest,
    retries: { ...rules, ...(rules[notFound] && { own: rules[notFound] }) },
    apps: Object.fromEntries(
      Object.entries(rest.apps ?? {}).map(([name, rule]) => [
        name,
        rule.retry === notFound ? { ...rule, retry: "own" } : rule,
      ]),
    ),
  })),
  "resiliency/built-in/named": entries(({ retry, ...rest }) =>
    retry === undefined || retry === service ? rest : { ...rest, retry },
  ),
  "resiliency/retry/defaults": retries((rule) =>
    Object.keys(rule).length === 0 ? { maxRetries: 10 } : rule,
  ),
  "resiliency/retry/none": retries((rule) =>
    rule.maxRetries === 0 && rule.httpStatusCodes === undefined ? { ...rule, maxRetries: 1 } : rule,
  ),
  // Chance in halves.
  "resiliency/retry/exponential": chance((random) => Math.round(random * 2) / 2),
  "resiliency/retry/exponential-cap": retries((rule) =>
    rule.maxInterval === undefined ? rule : { ...rule, maxInterval: "3s" },
  ),
  "resiliency/retry/exponential-ends": retries((rule) =>
    rule.policy === "exponential" && rule.maxRetries === undefined
      ? { policy: "constant", duration: "60s" }
      : rule,
  ),
  "resiliency/codes/http-code": lists({ httpStatusCodes: "500" }, { httpStatusCodes: "500-501" }),
  "resiliency/codes/http-ranges": lists(
    { httpStatusCodes: "400-404,501,,509-509" },
    { httpStatusCodes: "400-403,501,509" },
  ),
  "resiliency/codes/http-unusual": lists(
    { httpStatusCodes: "101,546,599" },
    { httpStatusCodes: "546,599" },
  ),
  "resiliency/codes/grpc-ranges": lists(
    { grpcStatusCodes: "6-14,16" },
    { grpcStatusCodes: "7-14,16" },
  ),
  "resiliency/codes/protocols-apart": lists({ grpcStatusCodes: "14" }, { httpStatusCodes: "," }),
  "resiliency/codes/protocols-apart-http": lists(
    { httpStatusCodes: "503" },
    { grpcStatusCodes: "," },
  ),
  "resiliency/codes/empty": lists(
    { httpStatusCodes: "", grpcStatusCodes: "," },
    { grpcStatusCodes: "" },
  ),
  "resiliency/codes/malformed": lists(
    { httpStatusCodes: "500, 502" },
    { httpStatusCodes: "500,502" },
  ),
  "resiliency/timeout/off": timeouts((text) => text.replace("-", "")),
  "resiliency/timeout/milliseconds": timeouts((text) => (text === "250" ? "250s" : text)),
  "resiliency/breaker/opens": breakers((rule) =>
    rule.timeout === "5s" ? { ...rule, timeout: "4s" } : rule,
  ),
  "resiliency/breaker/defaults": breakers((rule) =>
    Object.keys(rule).length === 0 ? { trip: "consecutiveFailures > 4" } : rule,
  ),
  "resiliency/breaker/surplus": breakers((rule) =>
    rule.maxRequests === 2 ? { ...rule, maxRequests: 3 } : rule,
  ),
  "resiliency/breaker/per-key": component((inner) => ({
    policyFor: (target) => inner.policyFor(target, target),
  })),
  "resiliency/breaker/default-policy": component((inner) => ({
    policyFor: (target, key) => inner.policyFor(inner.hasTarget(target) ? target : "others", key),
  })),
  "resiliency/breaker/remembers-so-many": entries(
    ({ circuitBreakerCacheSize: _ignored, ...rest }) => rest,
  ),
  "resiliency/trip/in-a-row": trips("consecutiveFailures >= 3", "totalFailures >= 3"),
  "resiliency/trip/in-total": trips("totalFailures >= 3", "consecutiveFailures >= 3"),
  "resiliency/trip/requests": trips("requests >= 3", "totalSuccesses + totalFailures >= 3"),
  "resiliency/trip/interval": breakers(({ interval: _ignored, ...rest }) => rest),
  "resiliency/trip/whole-numbers": trips(
    "requests >= 4 && totalFailures / requests > 0.5",
    "requests >= 4 && double(totalFailures) / double(requests) > 0.5",
  ),
  "resiliency/trip/unknown-name": trips("consecutiveFailure >= 1", "consecutiveFailure >="),
  "resiliency/trip/malformed": trips("1 && true", "true"),
};
