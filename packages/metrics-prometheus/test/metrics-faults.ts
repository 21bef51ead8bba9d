import type {
  MeasuredRequest,
  MetricsSpec,
  MetricsSubject,
  RecorderUnderTest,
} from "@outrigger/conformance";
import type { Telemetry } from "@outrigger/core";
import { metricsServer } from "@outrigger/metrics-prometheus";

/** A subject that does one thing wrong. */
type Fault = (right: MetricsSubject) => MetricsSubject;

type Http = NonNullable<MetricsSpec["http"]>;
type Server = NonNullable<MetricsSubject["serve"]>;

/** Another recorder in the place of the right one. */
function recorder(
  wrap: (right: RecorderUnderTest, spec: MetricsSpec) => Partial<RecorderUnderTest>,
): Fault {
  return (subject) => ({
    ...subject,
    make: async (spec) => {
      const right = await subject.make(spec);
      return { ...right, ...wrap(right, spec) };
    },
  });
}

/** Settings are read wrong. */
function spec(change: (given: MetricsSpec) => MetricsSpec): Fault {
  return (subject) => ({ ...subject, make: (given) => subject.make(change(given)) });
}

function http(change: (given: Http) => Http): Fault {
  return spec((given) => ({ ...given, ...(given.http ? { http: change(given.http) } : {}) }));
}

/** Requests are recorded wrong. */
function served(change: (request: MeasuredRequest, spec: MetricsSpec) => MeasuredRequest): Fault {
  return recorder(({ httpServed }, given) => ({
    httpServed: (request) => httpServed(change(request, given)),
  }));
}

/** The text is written wrong. */
function text(change: (text: string, spec: MetricsSpec) => string): Fault {
  return recorder(({ scrape }, given) => ({
    scrape: async () => change(await scrape(), given),
  }));
}

function telemetry(change: (right: Telemetry) => Telemetry): Fault {
  return recorder((right) => ({ telemetry: { ...right.telemetry, ...change(right.telemetry) } }));
}

/** Patterns are looked at in the order in which they were given. */
function firstWins({ pathMatching = [], ...rest }: Http): Http {
  const isRisky = pathMatching.includes("/orders/latest");
  return { ...rest, pathMatching: isRisky ? pathMatching.slice(0, 1) : pathMatching };
}

const paths = (pattern: string): ((given: Http) => Http) => {
  return ({ pathMatching = [], ...rest }) => ({
    ...rest,
    pathMatching: pathMatching.filter((each) => each !== pattern),
  });
};

/** The process shows, and nothing else. */
const serveProcess: Server = async () => {
  const server = metricsServer({ host: "127.0.0.1", port: 0 });
  await server.start?.(AbortSignal.timeout(5_000));
  return { port: server.address()?.port ?? 0, close: async () => server.stop?.() };
};

/** By the id of the case that finds it. */
export const metricsFaults: Readonly<Record<string, Fault>> = {
  "metrics/scrape/empty-at-first": text((right) => (right === "" ? "dapr_x 0\n" : right)),
  "metrics/scrape/one-request": text((right) =>
    right.replace(/(request_count\{.*\/hi",status="200"\}) 1\n/, "$1 2\n"),
  ),
  "metrics/scrape/label-order": text((right) =>
    right.replaceAll(/\{(app_id="[^"]*"),(src_app_id="[^"]*"),/g, "{$2,$1,"),
  ),
  "metrics/scrape/types": text((right) =>
    right.replaceAll("# TYPE dapr_http_server_request_bytes histogram\n", ""),
  ),
  "metrics/scrape/any-path": (subject) => ({ ...subject, serve: serveProcess }),
  "metrics/histogram/bound-goes-up": served((request, { latencyBucketsMs: [first] = [] }) =>
    request.durationMs === first ? { ...request, durationMs: first - 1 } : request,
  ),
  "metrics/histogram/infinite-is-count": text((right) =>
    right.replaceAll(/(le="\+Inf"\}) 3\n/g, "$1 2\n"),
  ),
  "metrics/histogram/bounds-given": spec(({ latencyBucketsMs = [], ...rest }) => ({
    ...rest,
    latencyBucketsMs: latencyBucketsMs.filter((bound) => bound !== 5_000),
  })),
  "metrics/histogram/bounds-default": spec((given) =>
    given.latencyBucketsMs?.length === 0 ? { ...given, latencyBucketsMs: [1, 100_000] } : given,
  ),
  "metrics/histogram/size-bounds": text((right) => right.replaceAll("1.048576e+06", "1048576")),
  "metrics/paths/low-cardinality": served((request, { http: given }) => {
    const isLow = given?.increasedCardinality === false && given.pathMatching === undefined;
    return isLow && request.path.endsWith("/b") ? { ...request, path: "/healthz" } : request;
  }),
  "metrics/paths/no-responses": text((right, { http: given }) =>
    given?.increasedCardinality === false && given.pathMatching === undefined
      ? `${right}dapr_http_server_response_count{app_id="orders"} 1\n`
      : right,
  ),
  "metrics/paths/static": recorder(({ appAnswered }) => ({
    appAnswered: (request) => appAnswered({ ...request, path: "/x" }),
  })),
  "metrics/paths/patterns": served((request) =>
    request.path.endsWith("method/orders/2") ? { ...request, path: "/orders/2" } : request,
  ),
  "metrics/paths/unmatched-low": http(({ increasedCardinality, pathMatching, ...rest }) => ({
    ...rest,
    increasedCardinality: pathMatching !== undefined || (increasedCardinality ?? true),
    ...(pathMatching ? { pathMatching } : {}),
  })),
  "metrics/paths/unmatched-high": http((given) =>
    given.pathMatching ? { ...given, increasedCardinality: false } : given,
  ),
  "metrics/paths/doubled-slash": served((request) =>
    request.path.startsWith("//") ? { ...request, path: "/none" } : request,
  ),
  "metrics/paths/literal-first": http(firstWins),
  "metrics/paths/apart": http(paths("/orders")),
  "metrics/labels/verbs-excluded": http(({ excludeVerbs: _, ...rest }) => rest),
  "metrics/labels/verb-unknown": served((request) =>
    request.method === "BREW" ? { ...request, method: "GET" } : request,
  ),
  "metrics/labels/unfit-values": served((request) => {
    if (/[^\x20-\x7e]/.test(request.path)) throw new Error("not a label");
    return request;
  }),
  "metrics/labels/rule-is-narrow": spec(({ rules = [], ...rest }) => ({
    ...rest,
    rules: rules.flatMap((rule) => [rule, { ...rule, name: "dapr_http_server_response_count" }]),
  })),
  "metrics/labels/rule-broken": spec((given) => {
    for (const { labels } of given.rules ?? []) {
      for (const pattern of labels.flatMap(({ regex }) => Object.values(regex))) {
        new RegExp(pattern);
      }
    }
    return given;
  }),
  "metrics/labels/bounded": (subject) => ({
    ...subject,
    make: (given) => subject.make(Object.assign({}, given, { maxSeries: 100_000 })),
  }),
  "metrics/calls/attempts-sent": telemetry(({ sent }) => {
    const known = new Set<string>();
    return {
      sent: (target, form) => {
        // Only the first attempt of a call to each app counts.
        if (target === "stock" && known.has(target)) return;
        known.add(target);
        sent?.(target, form);
      },
    };
  }),
  "metrics/calls/answers": telemetry(({ answered }) => ({
    answered: (target, form, code, _elapsedMs) => answered?.(target, form, code, 0),
  })),
  "metrics/calls/callee": telemetry(({ replied }) => ({
    replied: (call, code) => {
      if (call.metadata.length > 0) replied?.(call, code);
    },
  })),
  "metrics/calls/breaker-lookups": recorder(({ breaker }) => ({
    breaker: (event) => {
      breaker?.(event);
      if (event.type === "activation") breaker?.(event);
    },
  })),
  "metrics/calls/breaker-state": text((right) => right.replaceAll(/(cb_state\{.*) 0\n/g, "$1 1\n")),
  "metrics/calls/error-codes": text((right) =>
    right.replaceAll('category="service-invocation"', 'category="common"'),
  ),
  "metrics/calls/error-codes-off": spec((given) => ({ ...given, recordErrorCodes: true })),
};
