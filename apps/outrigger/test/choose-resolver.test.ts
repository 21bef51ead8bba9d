import { mkdirSync, writeFileSync } from "node:fs";
import { testContext } from "@outrigger/conformance";
import type { Logger } from "@outrigger/core";
import { loadConfiguration } from "@outrigger/resources";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SidecarMode } from "../src/flags/sidecar-options.ts";
import { chooseResolver } from "../src/resolvers/choose-resolver.ts";
import { planResolvers } from "../src/resolvers/resolver-plan.ts";
import { PackageFolder, portResolver } from "./resolver-packages.ts";

let folder: PackageFolder;
beforeEach(() => {
  folder = new PackageFolder();
});
afterEach(() => folder.remove());

const { signal } = new AbortController();
const apps = "{apps: {orders: ['127.0.0.1:1']}}";

/** The resolver of a Configuration whose `nameResolution` is this, and what the log said. */
async function choose(nameResolution: string, mode: SidecarMode = "standalone") {
  const errors: string[] = [];
  const log: Logger = {
    log: (level, message) => void (level === "error" && errors.push(message)),
    enabled: () => true,
    scope: () => log,
  };
  writeFileSync(folder.configFile, `spec: {nameResolution: ${nameResolution}}`);
  const { configuration } = await loadConfiguration([folder.configFile]);
  const surroundings = { mode, configFiles: [folder.configFile] };
  const make = await chooseResolver(configuration, surroundings, log);
  return { resolver: make?.(testContext()), errors };
}

async function portsOf(nameResolution: string): Promise<readonly number[]> {
  const { resolver, errors } = await choose(nameResolution);
  expect(errors).toEqual([]);
  await resolver?.start?.(signal);
  const found = await resolver?.resolve({ appId: "orders", namespace: "default" }, signal);
  await resolver?.stop?.();
  return (found ?? []).map(({ port }) => port);
}

const failure = (label: string, text: string) =>
  `[CREATE_COMPONENT_FAILURE]: initialization error occurred for nr (${label}): ${text}`;

test("names and versions match without case; no version, v0 and v1 are the same", async () => {
  for (const version of ["''", "v0", "V1"]) {
    const ports = await portsOf(`{component: Static, version: ${version}, configuration: ${apps}}`);
    expect(ports).toEqual([1]);
  }
});

test("an unknown name or version is an error in the log, in Dapr's words", async () => {
  const name = await choose("{component: Etcd}");
  const version = await choose("{component: static, version: v2}");

  expect(name).toEqual({
    resolver: undefined,
    errors: [failure("Etcd/v1", "couldn't find name resolver Etcd/v1")],
  });
  expect(version.errors).toEqual([failure("static/v2", "couldn't find name resolver static/v2")]);
});

test("a resolver that Dapr has and Outrigger has not says what to use instead", async () => {
  const { errors } = await choose("{component: aws.cloudmap}");

  expect(errors).toEqual([expect.stringMatching(/does not come with Outrigger: use dns/)]);
});

test("wrong options are an error in the log", async () => {
  const { resolver, errors } = await choose("{component: static, configuration: {app: {}}}");

  expect(resolver).toBeUndefined();
  expect(errors).toEqual([expect.stringMatching(/nr \(static\/v1\): resolver-static: /)]);
});

test("without configuration, mDNS and the local registry work together", async () => {
  const { resolver } = await choose("{configuration: {interfaces: ['127.0.0.1']}}");

  expect(resolver?.name).toBe("mdns");
  expect(resolver?.features.announces).toBe(true);
});

test("in kubernetes mode the default is kubernetes, alone", async () => {
  const spec = { component: "", version: "v1", configuration: undefined };
  const plan = planResolvers({ ...spec, members: undefined, balancer: undefined }, "kubernetes");

  expect(plan.chain).toBeUndefined();
  expect(plan.choices.map(({ component }) => component)).toEqual(["kubernetes"]);
});

test("a list is a chain: the first that knows the app answers", async () => {
  const other = "{apps: {orders: ['127.0.0.1:2'], billing: ['127.0.0.1:3']}}";
  const list = `[{component: static, configuration: ${apps}}, {component: static, configuration: ${other}, timeout: 1s}]`;

  expect(await portsOf(`{component: ${list}}`)).toEqual([1]);
  expect(await portsOf(`{component: ${list}, configuration: {mode: merged}}`)).toEqual([1, 2]);
});

test("a chain can be written as a resolver of its own", async () => {
  const members = `[{component: static, configuration: ${apps}, timeoutMs: 100}, local]`;

  expect(
    await portsOf(`{component: chain, configuration: {mode: merged, members: ${members}}}`),
  ).toEqual([1]);
});

test("a chain works with the members that can be made, and the log names the others", async () => {
  const { resolver, errors } = await choose(
    `{component: [etcd, {component: static, configuration: ${apps}}]}`,
  );

  expect(errors).toEqual([failure("etcd/v1", "couldn't find name resolver etcd/v1")]);
  expect(await resolver?.resolve({ appId: "orders", namespace: "default" }, signal)).toEqual([
    { host: "127.0.0.1", port: 1 },
  ]);
});

test("wrong options of a chain are an error in the log", async () => {
  for (const text of [
    "{component: [], configuration: {}}",
    "{component: [local], configuration: {mod: first}}",
  ]) {
    const { resolver, errors } = await choose(text);

    expect(resolver).toBeUndefined();
    expect(errors).toEqual([expect.stringMatching(/nr \(chain\/v1\): resolver-chain: /)]);
  }
});

test("loads a resolver from a package beside the Configuration, with its options", async () => {
  folder.install(
    { name: "@acme/ports", exports: { ".": { import: { default: "./lib/index.js" } } } },
    { "lib/index.js": portResolver },
  );
  folder.install(
    { name: "plain", main: "index.cjs" },
    { "index.cjs": portResolver.replace("export const resolver", "exports.resolver") },
  );

  expect(await portsOf("{component: 'npm:@acme/ports', configuration: {port: 7}}")).toEqual([7]);
  expect(await portsOf("{component: npm:plain, configuration: {port: 8}}")).toEqual([8]);
});

const wrongPackages: readonly [string, Record<string, unknown>, string, RegExp][] = [
  [
    "has no such export",
    {},
    "export const other = 1;",
    /exports no function named resolver \(it exports other\)/,
  ],
  [
    "is made for another core",
    { peerDependencies: { "@outrigger/core": "^99.0.0" } },
    portResolver,
    /is made for @outrigger\/core \^99\.0\.0, and this sidecar has .*: install a version/,
  ],
  ["fails while it loads", {}, "throw new Error('boom');", /loading file:.* failed: boom/],
  [
    "has no entry for import",
    { exports: { require: "./index.js" } },
    portResolver,
    /has no entry for import/,
  ],
  ["refuses its options", {}, portResolver, /port: must be a number/],
  ["returns no factory", {}, "export const resolver = () => 1;", /must return a function/],
];

test.for(wrongPackages)(
  "a package that %s is told in the log",
  async ([, manifest, source, text]) => {
    folder.install({ name: "wrong", ...manifest }, { "index.js": source });

    const { resolver, errors } = await choose("{component: npm:wrong}");

    expect(resolver).toBeUndefined();
    expect(errors).toEqual([expect.stringMatching(text)]);
    expect(errors[0]).toContain("nr (npm:wrong/v1)");
  },
);

test("a package that is missing, and a name that is none, say what to do", async () => {
  const missing = await choose("{component: npm:@acme/not-installed}");
  const path = await choose("{component: 'npm:./here'}");

  expect(missing.errors[0]).toMatch(
    /not installed: run "npm install @acme\/not-installed" in one of/,
  );
  expect(missing.errors[0]).toContain(folder.path);
  expect(path.errors[0]).toMatch(/write npm: and the name of an installed package/);
});

test("a broken package.json does no harm", async () => {
  folder.install({ name: "wrong" }, { "index.js": portResolver });
  mkdirSync(`${folder.path}/node_modules/wrong`, { recursive: true });
  writeFileSync(`${folder.path}/node_modules/wrong/package.json`, "{");

  const { errors } = await choose("{component: npm:wrong}");

  expect(errors).toHaveLength(1);
});

test("a resolver that cannot be made in the sidecar says so in every call", async () => {
  folder.install({ name: "wrong" }, { "index.js": "export const resolver = () => () => ({});" });

  const { resolver, errors } = await choose("{component: npm:wrong}");

  expect(errors).toEqual([]);
  await expect(
    resolver?.resolve({ appId: "orders", namespace: "default" }, signal),
  ).rejects.toThrow("name resolver npm:wrong/v1 could not be made: it has no name, features");
});

/** Source of a package whose resolver does this to answer. */
const answering = (body: string) => `export const resolver = () => () => ({
  name: "odd",
  features: { announces: false, namespaces: true, expires: false, watches: false },
  resolve() { ${body} },
  report() { throw new Error("no feedback"); },
});`;

const oddAnswers: readonly [string, RegExp][] = [
  ["return Promise.resolve(undefined);", /must answer with a list .* answered nothing/],
  ["return [{ host: '127.0.0.1' }];", /must answer with a list/],
  ["return [{ host: '', port: 1 }];", /must answer with a list/],
  ["return [{ host: 'a', port: 70000 }];", /must answer with a list/],
  ["return 7;", /answered 7/],
  ["throw new TypeError('boom');", /npm:odd\/v1: boom/],
  ["return Promise.reject('text');", /npm:odd\/v1: /],
];

test.for(oddAnswers)("a package that answers by %s fails the call alone", async ([body, text]) => {
  folder.install({ name: "odd" }, { "index.js": answering(body) });

  for (const component of ["npm:odd", "['npm:odd']"]) {
    const { resolver } = await choose(`{component: ${component}}`);
    await resolver?.start?.(signal);
    const request = { appId: "orders", namespace: "default" };
    await expect(resolver?.resolve(request, signal)).rejects.toMatchObject({
      code: "OTR_RESOLVE_FAILED",
      message: expect.stringMatching(text),
    });
    resolver?.report?.(request, { host: "127.0.0.1", port: 1 }, "unreachable");
    await resolver?.stop?.();
  }
});
