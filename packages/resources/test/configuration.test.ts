// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOutriggerError } from "@outrigger/core";
import { enabledFeatures, expandEnv, loadConfiguration } from "@outrigger/resources";
import { expect, test } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "outrigger-configuration-"));
let files = 0;

function write(text: string): string {
  files += 1;
  const path = join(directory, `${files}.yaml`);
  writeFileSync(path, text);
  return path;
}

async function load(...texts: string[]) {
  return loadConfiguration(texts.map(write), { env: { RATE: "0.2", A_1: "x" } });
}

async function refusal(...texts: string[]): Promise<string> {
  try {
    await load(...texts);
  } catch (reason) {
    if (isOutriggerError(reason, "OTR_OPTIONS_INVALID")) return reason.message;
    throw reason;
  }
  throw new Error("expected a refusal");
}

test("no file, an empty file and a file of comments give the defaults", async () => {
  const { configuration, warnings } = await load();
  expect(configuration).toEqual({
    httpPipeline: [],
    appHttpPipeline: [],
    tracing: {
      samplingRate: "",
      stdout: false,
      zipkinEndpointAddress: "",
      otel: {
        protocol: "",
        endpointAddress: "",
        isSecure: true,
        headers: [],
        timeoutMs: undefined,
      },
    },
    metric: { enabled: true },
    mtls: {
      enabled: false,
      workloadCertTtlMs: undefined,
      allowedClockSkewMs: undefined,
      sentryAddress: "",
      controlPlaneTrustDomain: "",
      tokenValidators: [],
    },
    accessControl: undefined,
    nameResolution: { component: "", version: "v1", configuration: undefined },
    api: { allowed: [], denied: [] },
    apiLogging: { enabled: undefined, obfuscateUrls: false, omitHealthChecks: false },
    features: [],
    deniedComponents: [],
  });
  expect(warnings).toEqual([]);
  expect((await load("")).configuration).toEqual(configuration);
  expect((await load("# nothing\n")).configuration).toEqual(configuration);
  expect((await load("spec:\n")).configuration).toEqual(configuration);
});

test("every field of the schema is read", async () => {
  const { configuration, warnings } = await load(`
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: {name: test}
spec:
  httpPipeline:
    handlers:
      - {name: up, type: middleware.http.uppercase, version: v1, selector: {fields: [{field: f, value: v}]}}
  appHttpPipeline: {handlers: [{name: b, type: t}]}
  tracing:
    samplingRate: 0.10
    stdout: yes
    zipkin: {endpointAddress: "http://z"}
    otel: {protocol: grpc, endpointAddress: "h:4317", isSecure: false, headers: ["a=b", {name: c, value: 1}], timeout: 1m1.5s}
  metric:
    enabled: true
    recordErrorCodes: true
    http: {increasedCardinality: false, pathMatching: [/a], excludeVerbs: true}
    latencyDistributionBuckets: [1, 2]
    rules: [{name: m, labels: [{name: l, regex: {new: old.*}}]}]
  mtls: {enabled: true, workloadCertTTL: 24h, allowedClockSkew: 15m, sentryAddress: s, controlPlaneTrustDomain: d, tokenValidators: [{name: jwks, options: {a: 1}}]}
  accessControl:
    defaultAction: deny
    trustDomain: td
    policies: [{appId: a, defaultAction: deny, trustDomain: td, namespace: n, operations: [{name: /x, httpVerb: [GET], action: allow}]}]
  nameResolution: {component: consul, version: v2, configuration: {client: {address: "a:1"}}}
  api: {allowed: [{name: invoke, version: v1.0, protocol: http}], denied: [{name: x, version: v1, protocol: grpc}]}
  logging: {apiLogging: {enabled: true, obfuscateURLs: true, omitHealthChecks: true}}
  features: [{name: Something, enabled: true}]
  components: {deny: [state.redis/v1]}
  secrets: {scopes: []}
`);
  expect(warnings).toEqual([]);
  expect(configuration).toEqual({
    httpPipeline: [
      {
        name: "up",
        type: "middleware.http.uppercase",
        version: "v1",
        selector: [{ field: "f", value: "v" }],
      },
    ],
    appHttpPipeline: [{ name: "b", type: "t", version: "", selector: [] }],
    tracing: {
      samplingRate: "0.10",
      stdout: true,
      zipkinEndpointAddress: "http://z",
      otel: {
        protocol: "grpc",
        endpointAddress: "h:4317",
        isSecure: false,
        headers: ["a=b", "c=1"],
        timeoutMs: 61_500,
      },
    },
    metric: {
      enabled: true,
      recordErrorCodes: true,
      http: { increasedCardinality: false, pathMatching: ["/a"], excludeVerbs: true },
      latencyDistributionBuckets: [1, 2],
      rules: [{ name: "m", labels: [{ name: "l", regex: { new: "old.*" } }] }],
    },
    mtls: {
      enabled: true,
      workloadCertTtlMs: 86_400_000,
      allowedClockSkewMs: 900_000,
      sentryAddress: "s",
      controlPlaneTrustDomain: "d",
      tokenValidators: [{ name: "jwks", options: { a: 1 } }],
    },
    accessControl: {
      defaultAction: "deny",
      trustDomain: "td",
      policies: [
        {
          appId: "a",
          defaultAction: "deny",
          trustDomain: "td",
          namespace: "n",
          operations: [{ name: "/x", httpVerb: ["GET"], action: "allow" }],
        },
      ],
    },
    nameResolution: {
      component: "consul",
      version: "v2",
      configuration: { client: { address: "a:1" } },
    },
    api: {
      allowed: [{ name: "invoke", version: "v1.0", protocol: "http" }],
      denied: [{ name: "x", version: "v1", protocol: "grpc" }],
    },
    apiLogging: { enabled: true, obfuscateUrls: true, omitHealthChecks: true },
    features: [{ name: "Something", enabled: true }],
    deniedComponents: ["state.redis/v1"],
  });
});

test("a list of resolvers: names, and maps with settings of their own", async () => {
  const { configuration, warnings } = await load(
    `spec:
  nameResolution:
    component:
      - mdns
      - {component: consul, version: v0, configuration: {a: 1}, timeout: 500ms}
    configuration: {mode: merged}
    balancer: {name: consistent-hash, header: x-user}
`,
  );
  expect(warnings).toEqual([]);
  const none = { configuration: undefined, timeoutMs: undefined };
  expect(configuration.nameResolution).toEqual({
    component: "",
    version: "v1",
    configuration: { mode: "merged" },
    members: [
      { component: "mdns", version: "v1", ...none },
      { component: "consul", version: "v0", configuration: { a: 1 }, timeoutMs: 500 },
    ],
    balancer: { name: "consistent-hash", header: "x-user" },
  });
});

test("a resolver of a list without a name is an error that tells the place", async () => {
  const loading = load("spec: {nameResolution: {component: [mdns, {version: v1}]}}");
  await expect(loading).rejects.toThrow(/spec\.nameResolution\.component\[1\]: must be the name/);
});

test("files merge: scalars and maps field by field, lists as a whole", async () => {
  const { configuration } = await load(
    'spec: {tracing: {samplingRate: "0.5"}, features: [{name: A, enabled: true}], metric: {http: {increasedCardinality: false}, latencyDistributionBuckets: [1, 2]}}',
    'spec: {tracing: {samplingRate: "0.75", stdout: true}, features: [{name: B, enabled: true}], metric: {latencyDistributionBuckets: [9]}}',
  );
  expect(configuration.tracing).toMatchObject({ samplingRate: "0.75", stdout: true });
  expect(configuration.features).toEqual([{ name: "B", enabled: true }]);
  expect(JSON.stringify(configuration.metric)).toBe(
    '{"enabled":true,"http":{"increasedCardinality":false},"latencyDistributionBuckets":[9]}',
  );
});

test("metrics replaces http as a whole, empty buckets count, empty rules do not", async () => {
  const { configuration } = await load(
    "spec: {metric: {http: {excludeVerbs: true}, latencyDistributionBuckets: [5], rules: [{name: a, labels: []}]}, metrics: {http: {increasedCardinality: false}, latencyDistributionBuckets: [], rules: []}}",
  );
  expect(configuration.metric).toEqual({
    enabled: true,
    http: { increasedCardinality: false },
    latencyDistributionBuckets: [],
    rules: [{ name: "a", labels: [] }],
  });
});

test("what metrics says beats metric", async () => {
  const { configuration } = await load(
    "spec: {metrics: {enabled: false}, metric: {enabled: true, recordErrorCodes: true}}",
  );
  expect(configuration.metric).toEqual({ enabled: false, recordErrorCodes: true });
});

test("only the first document counts, and kind and version do not", async () => {
  const { configuration } = await load(
    'kind: Banana\nspec:\n  tracing:\n    samplingRate: "0.5"\n---\nspec:\n  tracing:\n    samplingRate: "0.75"\n',
  );
  expect(configuration.tracing.samplingRate).toBe("0.5");
});

test("variables are expanded in the raw text, before YAML is read", async () => {
  const { configuration } = await load(
    'spec: {tracing: {samplingRate: "${RATE}", zipkin: {endpointAddress: "$NONE"}}}',
  );
  expect(configuration.tracing).toMatchObject({ samplingRate: "0.2", zipkinEndpointAddress: "" });
});

test("keys are case-sensitive; an unknown one is a warning with the nearest name", async () => {
  const { configuration, warnings } = await load(
    "spec: {tracing: {samplingrate: 1, speed: high}, unheard: {of: 1}}",
  );
  expect(configuration.tracing.samplingRate).toBe("");
  expect(warnings.map((line) => line.replace(/^.*\.yaml: /, ""))).toEqual([
    "spec.unheard: unknown field, ignored",
    "spec.tracing.samplingrate: unknown field, ignored; did you mean samplingRate?",
    "spec.tracing.speed: unknown field, ignored",
  ]);
});

test("values of the wrong type name file, place, value and what is right, all at once", async () => {
  const message = await refusal(
    "spec: {metric: {enabled: [1, 2], latencyDistributionBuckets: [x]}, tracing: {otel: {timeout: 5}}, features: {a: 1}, api: no}",
  );
  expect(message.replaceAll(directory, "")).toMatch(
    /^error loading configuration: \/\d+\.yaml: spec\.tracing\.otel\.timeout: must be a duration such as 10s or 1m30s \(got 5\); /,
  );
  expect(message).toContain("spec.metric.enabled: must be true or false (got [1,2])");
  expect(message).toContain(
    'spec.metric.latencyDistributionBuckets[0]: must be a whole number (got "x")',
  );
  expect(message).toContain('spec.features: must be a list (got {"a":1})');
  expect(message).toContain('spec.api: must be a map (got "no")');
});

test("a problem names the file that brought the value", async () => {
  const message = await refusal(
    "spec: {metric: {enabled: true}}",
    "spec: {metric: {enabled: maybe}}",
  );
  expect(message).toContain(`${files}.yaml: spec.metric.enabled`);
});

test.each([["kind: Configuration\nspec: [unclosed"], ["spec: {a: 1, a: 2}"], ["spec: *nothing"]])(
  "%j is an error",
  async (text) => {
    expect(await refusal(text)).toMatch(/^error loading configuration: .*\.yaml: /);
  },
);

test("a missing file is an error", async () => {
  const missing = join(directory, "missing.yaml");
  await expect(loadConfiguration([missing])).rejects.toThrow(
    `error loading configuration: ${missing}`,
  );
});

test("aliases cannot make a small file enormous", async () => {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 9; level += 1) {
    lines.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(", ")}]`,
    );
  }
  expect(await refusal(lines.join("\n"))).toContain("too large once aliases are followed");
});

test("anchors and merge keys work", async () => {
  const { configuration } = await load(
    'base: &base {samplingRate: "1", stdout: true}\nspec:\n  tracing:\n    <<: *base\n    samplingRate: "0.5"\n',
  );
  expect(configuration.tracing).toMatchObject({ samplingRate: "0.5", stdout: true });
});

test("an access policy without identity fields stops the start", async () => {
  expect(await refusal("spec: {accessControl: {policies: [{appId: x, namespace: default}]}}")).toBe(
    "invalid access control spec. missing trustdomain for apps: [x], missing namespace for apps: [], " +
      "missing app name on at least one of the app policies: false",
  );
});

test("features are on by default unless a Configuration turns them off", () => {
  expect(enabledFeatures([])).toEqual(["HotReload", "WorkflowsRemoteActivityReminder"]);
  expect(
    enabledFeatures([
      { name: "Something", enabled: true },
      { name: "HotReload", enabled: false },
    ]),
  ).toEqual(["Something", "WorkflowsRemoteActivityReminder"]);
});

test.each([
  ["a$A_1 b", "ax b"],
  ["${A_1}y", "xy"],
  ["$NONE|${NONE}", "|"],
  ['price$"', 'price$"'],
  ["$", "$"],
  ["$ a", "$ a"],
  ["$$", ""],
  ["a$-b$?c", "abc"],
  ["$1x", "x"],
  ["${}x", "x"],
  ["${A_1", "A_1"],
  ["$toString", ""],
  ["$ü", "$ü"],
])("%s expands to %j", (text, expanded) => {
  expect(expandEnv(text, { A_1: "x" })).toBe(expanded);
});
