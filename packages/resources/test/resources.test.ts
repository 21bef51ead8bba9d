import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOutriggerError } from "@outrigger/core";
import { loadResources } from "@outrigger/resources";
import { expect, test } from "vitest";

function folder(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "outrigger-resources-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

function endpoint(name: string, more = "", baseUrl = "http://127.0.0.1:9000"): string {
  return `apiVersion: dapr.io/v1alpha1\nkind: HTTPEndpoint\nmetadata:\n  name: ${name}\n${more}spec:\n  baseUrl: ${baseUrl}\n`;
}

function component(name: string, type = "state.in-memory", more = ""): string {
  return `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: ${name}\nspec:\n  type: ${type}\n  version: v1\n${more}`;
}

async function load(files: Record<string, string>, namespace?: string) {
  return loadResources([folder(files)], { appId: "caller", namespace });
}

const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);
const messages = (list: readonly { message: string }[]) => list.map(({ message }) => message);

test("all documents of all YAML files load, in file-name order, any case of ending", async () => {
  const directory = folder({
    "b.YML": endpoint("three"),
    "a.yaml": `${endpoint("one")}--- # next\n${endpoint("two")}`,
  });
  mkdirSync(join(directory, "nested.yaml"));
  const { httpEndpoints, notices } = await loadResources([directory], { appId: "caller" });
  expect(names(httpEndpoints)).toEqual(["one", "two", "three"]);
  expect(notices).toEqual([]);
});

test("a file that begins with dashes has its first document", async () => {
  const { httpEndpoints } = await load({
    "a.yaml": `---\n${endpoint("one")}---\n${endpoint("two")}`,
  });
  expect(names(httpEndpoints)).toEqual(["one", "two"]);
});

test("other kinds, versions and spellings of a kind are not ours", async () => {
  const { httpEndpoints, components, notices } = await load({
    "a.yaml": [
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n",
      endpoint("v2").replace("v1alpha1", "v2"),
      endpoint("lower").replace("HTTPEndpoint", "httpendpoint"),
      "just text\n",
      endpoint("kept"),
    ].join("---\n"),
  });
  expect(names(httpEndpoints)).toEqual(["kept"]);
  expect(components).toEqual([]);
  expect(notices).toEqual([]);
});

test("a broken document is skipped with a warning, its neighbours load", async () => {
  const { httpEndpoints, notices } = await load({
    "a.yaml": `${endpoint("broken").replace("http:", "[http:")}---\n${endpoint("after")}`,
    "b.yaml": endpoint("mapped").replace("http://127.0.0.1:9000", "{a: 1}"),
    "c.yaml": `${endpoint("a%b")}---\n${endpoint('"a/b"')}---\n${endpoint('".."')}`,
  });
  expect(names(httpEndpoints)).toEqual(["after"]);
  expect(messages(notices)).toEqual([
    expect.stringMatching(
      /^daprd load HTTPEndpoint error when parsing manifests yaml resource in a\.yaml: /,
    ),
    expect.stringMatching(/in b\.yaml: .*spec\.baseUrl: must be a string \(got \{"a":1\}\)$/),
    expect.stringContaining(`invalid name "a%b" for "HTTPEndpoint": may not contain '%'`),
    expect.stringContaining(`invalid name "a/b" for "HTTPEndpoint": may not contain '/'`),
    expect.stringContaining(`invalid name ".." for "HTTPEndpoint": may not be '..'`),
  ]);
});

test("files with other endings are named in Dapr's words", async () => {
  const { notices } = await load({ "b.json": "{}" });
  expect(messages(notices)).toContain(
    "A non-YAML resiliency file b.json was detected, it will not be loaded",
  );
});

test("keys match in any case, and numbers count as text", async () => {
  const { httpEndpoints } = await load({
    "a.yaml":
      "apiVersion: dapr.io/v1alpha1\nKind: HTTPEndpoint\nMetaData: {Name: 123}\nspec: {baseURL: http://x, extra: 1}\n",
  });
  expect(httpEndpoints[0]).toMatchObject({ name: "123", baseUrl: "http://x" });
});

test("scopes keep a resource to the apps they name, letter by letter", async () => {
  const { httpEndpoints } = await load({
    "a.yaml": [
      `${endpoint("mine")}scopes: [caller, x]\n`,
      `${endpoint("theirs")}scopes: [Caller, other]\n`,
      `${endpoint("all")}scopes: []\n`,
    ].join("---\n"),
  });
  expect(names(httpEndpoints)).toEqual(["mine", "all"]);
});

test("the namespace filter needs a namespace on both sides", async () => {
  const files = {
    "a.yaml": [
      endpoint("mine", "  namespace: default\n"),
      endpoint("theirs", "  namespace: prod\n"),
      endpoint("any"),
    ].join("---\n"),
  };
  expect(names((await load(files, "default")).httpEndpoints)).toEqual(["mine", "any"]);
  expect(names((await load(files, "")).httpEndpoints)).toEqual(["mine", "theirs", "any"]);
  expect(names((await load(files)).httpEndpoints)).toEqual(["mine", "theirs", "any"]);
});

test("two endpoints of one name: a warning, none loaded", async () => {
  const { httpEndpoints, notices } = await load({
    "a.yaml": [endpoint("same"), endpoint("same", "", "http://b"), endpoint("single")].join(
      "---\n",
    ),
  });
  expect(httpEndpoints).toEqual([]);
  expect(messages(notices)).toEqual([
    "failed to load HTTP endpoints: duplicate definition of HTTPEndpoint name same (http://b) with existing same (http://127.0.0.1:9000)",
  ]);
});

test("two components of one name stop the start, even when the later is out of scope", async () => {
  const files = {
    "a.yaml": `${component("abc")}---\n${component("abc", "pubsub.in-memory", "scopes: [other]\n")}`,
  };
  await expect(load(files)).rejects.toThrow(
    "failed to load components: duplicate definition of Component name abc (pubsub.in-memory/v1) with existing abc (state.in-memory/v1)",
  );
});

test("a name used only by apps and namespaces that are not ours is free", async () => {
  const { components } = await load(
    {
      "a.yaml": [
        component("abc", "state.a", "scopes: [other]\n"),
        component("abc", "state.b").replace("name: abc", "name: abc\n  namespace: prod"),
        component("abc", "state.c"),
      ].join("---\n"),
    },
    "default",
  );
  expect(components.map(({ type }) => type)).toEqual(["state.c"]);
});

test("a component document is read in full", async () => {
  const { components } = await load({
    "a.yaml": component(
      "bearer",
      "middleware.http.bearer",
      "  ignoreErrors: true\n  initTimeout: 10s\n  metadata:\n  - {name: a, value: 0.10}\n  - {name: b, secretKeyRef: {name: s}}\n  - {name: c, envRef: VAR}\n  - {name: d, value: {x: [1]}}\nauth: {secretStore: vault}\n",
    ),
  });
  const absent = { value: undefined, secretKeyRef: undefined, envRef: undefined };
  expect(components[0]).toMatchObject({
    type: "middleware.http.bearer",
    version: "v1",
    ignoreErrors: true,
    initTimeoutMs: 10_000,
    secretStore: "vault",
    metadata: [
      { ...absent, name: "a", value: "0.10" },
      { ...absent, name: "b", secretKeyRef: { name: "s", key: "s" } },
      { ...absent, name: "c", envRef: "VAR" },
      { ...absent, name: "d", value: '{"x":[1]}' },
    ],
  });
});

test("an endpoint document is read in full", async () => {
  const { httpEndpoints } = await load({
    "a.yaml": `${endpoint("e")}  headers: [{name: h, value: v}]\n  clientTLS:\n    rootCA: {value: PEM}\n    privateKey: {secretKeyRef: {name: s, key: k}}\n    renegotiation: Never\n`,
  });
  expect(httpEndpoints[0]?.headers).toMatchObject([{ name: "h", value: "v" }]);
  expect(httpEndpoints[0]?.clientTls).toEqual({
    rootCa: { value: "PEM", secretKeyRef: undefined },
    certificate: undefined,
    privateKey: { value: undefined, secretKeyRef: { name: "s", key: "k" } },
    renegotiation: "Never",
  });
});

test("resiliency: every document, any namespace and version, own scopes", async () => {
  const policy = (name: string, more = "") =>
    `apiVersion: x/v9\nkind: Resiliency\nmetadata: {name: ${name}, namespace: elsewhere}\nspec: {policies: {timeouts: {t: 5s}}}\n${more}`;
  const { resiliencies } = await load(
    {
      "a.yaml": `${policy("first")}---\n${policy("second")}`,
      "b.yaml": policy("theirs", "scopes: [other]\n"),
      "c.yaml": `${endpoint("e")}---\n${policy("third")}`,
    },
    "default",
  );
  expect(names(resiliencies)).toEqual(["first", "second", "third"]);
  expect(resiliencies[0]?.spec.timeouts).toEqual({ t: "5s" });
});

test("a resiliency document is read in full; plain numbers count as text", async () => {
  const { resiliencies } = await load({
    "a.yaml": `kind: Resiliency
metadata: {name: full}
spec:
  policies:
    timeouts: {t: 5000}
    retries: {r: {policy: constant, duration: 1s, maxRetries: 3, matching: {httpStatusCodes: 500, gRPCStatusCodes: "1-4"}}}
    circuitBreakers: {cb: {maxRequests: 2, interval: 0, timeout: 30s, trip: requests > 1}}
    hedges: {h: {delay: 50ms, maxAttempts: 3}}
    retryBudget: {ratio: 0.1}
  targets:
    apps:
      orders: {timeout: t, retry: r, circuitBreaker: cb, hedge: h, circuitBreakerCacheSize: 7}
      bare:
      empty: {}
    actors: {a: {circuitBreaker: cb, circuitBreakerScope: both, circuitBreakerCacheSize: 5000}}
    components: {state: {outbound: {retry: r}}}
`,
  });
  const none = {
    ...{ timeout: "", retry: "", circuitBreaker: "", circuitBreakerCacheSize: undefined },
  };
  expect(resiliencies[0]?.spec).toEqual({
    timeouts: { t: "5000" },
    retries: {
      r: {
        ...{ policy: "constant", duration: "1s", maxInterval: "", maxRetries: 3 },
        ...{ httpStatusCodes: "500", grpcStatusCodes: "1-4" },
      },
    },
    circuitBreakers: {
      cb: { maxRequests: 2, interval: "0", timeout: "30s", trip: "requests > 1" },
    },
    hedges: { h: { delay: "50ms", maxAttempts: 3 } },
    retryBudget: { ratio: "0.1", minPerSecond: "" },
    apps: {
      orders: {
        ...{ timeout: "t", retry: "r", circuitBreaker: "cb", hedge: "h" },
        circuitBreakerCacheSize: 7,
      },
      bare: none,
      empty: none,
    },
    actors: {
      a: {
        ...none,
        circuitBreaker: "cb",
        circuitBreakerScope: "both",
        circuitBreakerCacheSize: 5_000,
      },
    },
  });
});

test("a quoted number where a number belongs costs the resiliency document", async () => {
  const { resiliencies, notices } = await load({
    "a.yaml": `kind: Resiliency\nmetadata: {name: bad}\nspec: {policies: {retries: {r: {maxRetries: "3"}}}}\n---\nkind: Resiliency\nmetadata: {name: good}\n`,
  });
  expect(names(resiliencies)).toEqual(["good"]);
  expect(notices[0]?.message).toContain("Could not read resiliency policy bad: ");
});

test("a broken resiliency document is an error line and nothing more", async () => {
  const { resiliencies, notices } = await load({
    "a.yaml": "kind: Resiliency\nmetadata: {name: bad}\nscopes: yes please\n",
    "b.yaml": "kind: Resiliency\nmetadata: {name: [\n",
  });
  expect(resiliencies).toEqual([]);
  expect(notices).toMatchObject([
    {
      level: "error",
      message: expect.stringMatching(/^Could not read resiliency policy bad: .*scopes/),
    },
    {
      level: "error",
      message: expect.stringMatching(/^Could not read resiliency policy b\.yaml: /),
    },
  ]);
});

test("a missing directory is an error that names it", async () => {
  try {
    await loadResources(["/nonexistent-outrigger"], { appId: "caller" });
    expect.unreachable();
  } catch (reason) {
    expect(isOutriggerError(reason, "OTR_OPTIONS_INVALID")).toBe(true);
    expect(String(reason)).toContain("/nonexistent-outrigger");
  }
});

test("several directories are read in the order given", async () => {
  const first = folder({ "z.yaml": endpoint("one") });
  const second = folder({ "a.yaml": endpoint("two") });
  const { httpEndpoints } = await loadResources([first, second], { appId: "caller" });
  expect(names(httpEndpoints)).toEqual(["one", "two"]);
});
