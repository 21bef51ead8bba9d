import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type HttpPipeline,
  type HttpRequest,
  type HttpResponse,
  type Logger,
  silentLogger,
} from "@outrigger/core";
import { loadConfiguration, loadResources } from "@outrigger/resources";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LiveComponents } from "../src/sidecar/live-components.ts";
import type { SidecarResources } from "../src/sidecar/read-resources.ts";
import { ResourceFolder, resource } from "./e2e/resource-folder.ts";

/** A middleware that marks answers with a word, and tells what becomes of it. */
const marker = `
globalThis.markerEvents ??= [];
const events = globalThis.markerEvents;
export const middleware = ({ word, fail }) => () => ({
  name: "marker",
  async start() {
    if (fail === "true") throw new Error("no word today");
    events.push("start " + word);
  },
  async stop() { events.push("stop " + word); },
  async handle(request, next) {
    const response = await next(request);
    return { ...response, headers: [...response.headers, "X-Word", word] };
  },
});
`;
const events: string[] = [];
Object.assign(globalThis, { markerEvents: events });

let folder: ResourceFolder;
let lines: string[];
let home: string;
beforeEach(() => {
  events.length = 0;
  lines = [];
  folder = new ResourceFolder();
  home = mkdtempSync(join(tmpdir(), "outrigger-secrets-"));
  folder.package("marker", marker);
});
afterEach(() => {
  folder.remove();
  rmSync(home, { recursive: true, force: true });
});

const type = "middleware.http.npm:marker";
const { configuration } = await loadConfiguration([]);
const handlers = ["a", "b"].map((name) => ({ name, type, version: "", selector: [] }));

function make(): LiveComponents {
  const log: Logger = {
    ...silentLogger,
    log: (_level, text) => void lines.push(text),
    scope: () => log,
  };
  const context = { appId: "self", namespace: "default", log, now: Date.now, random: Math.random };
  return new LiveComponents(
    { ...configuration, httpPipeline: handlers, deniedComponents: ["middleware.http.denied"] },
    { context, env: {} },
  );
}

async function read(): Promise<SidecarResources> {
  return { configuration, loaded: await loadResources([folder.path], { appId: "self" }) };
}

async function started(): Promise<LiveComponents> {
  const components = make();
  await components.load((await read()).loaded?.components ?? []);
  return components;
}

const { signal } = new AbortController();
const apply = async (components: LiveComponents, until: AbortSignal = signal) =>
  components.apply(await read(), until);

const word = (name: string, value: string, more = ""): string =>
  resource(
    "Component",
    name,
    `{type: "${type}", version: v1, ${more}metadata: [{name: word, value: ${value}}]}`,
  );

const broken = (name: string, more = ""): string =>
  resource(
    "Component",
    name,
    `{type: "${type}", version: v1, ${more}metadata: [{name: fail, value: "true"}]}`,
  );

const request: HttpRequest = {
  ...{ method: "GET", path: "/", query: "", headers: [], body: Buffer.alloc(0), bodyLength: 0 },
  signal,
};
const answer: HttpResponse = { status: 200, headers: [], body: Buffer.alloc(0) };

function pipelineOf(components: LiveComponents): HttpPipeline {
  const { httpPipeline } = components.middleware;
  if (httpPipeline === undefined) throw new Error("there is no pipeline");
  return httpPipeline;
}

/** The words of the handlers, innermost first. */
async function words(components: LiveComponents, last = async () => answer): Promise<string> {
  const { headers } = await pipelineOf(components).run(request, last);
  return headers.filter((text) => text !== "X-Word").join(" ");
}

const names = (components: LiveComponents): string =>
  components
    .descriptions()
    .map(({ name }) => name)
    .join(" ");

test("added, changed and removed components take effect at once, in Dapr's words", async () => {
  folder.write("a.yaml", word("a", "one"));
  const components = await started();
  expect(await words(components)).toBe("one");
  lines = [];
  folder.write("a.yaml", word("a", "two"), word("b", "three"));
  expect(await apply(components)).toEqual({ kind: "applied" });
  expect(await words(components)).toBe("three two");
  expect(names(components)).toBe("a b");
  const label = (name: string): string => `${name} (${type}/v1)`;
  expect(lines).toEqual([
    `Received Component update: ${label("a")}`,
    `Closing existing Component to reload: ${label("a")}`,
    `Adding Component for processing: ${label("a")}`,
    `Component loaded: ${label("a")}`,
    `Component updated: ${label("a")}`,
    `Received Component creation: ${label("b")}`,
    `Adding Component for processing: ${label("b")}`,
    `Component loaded: ${label("b")}`,
    `Component updated: ${label("b")}`,
  ]);
  lines = [];
  folder.write("a.yaml", word("b", "three"));
  await apply(components);
  expect(await words(components)).toBe("three");
  expect(names(components)).toBe("b");
  expect(lines).toEqual([
    `httpPipeline: handler a (${type}/v1) is skipped: no component of this name, type and version is loaded`,
    `Received Component deletion, closing: ${label("a")}`,
  ]);
  // What did not change was not touched.
  expect(events.filter((event) => event.endsWith("three"))).toEqual(["start three"]);
  await components.middleware.stop();
  expect(events.sort()).toEqual(
    ["one", "three", "two"].flatMap((each) => [`start ${each}`, `stop ${each}`]).sort(),
  );
});

test("a request ends with the handlers it began with; the old one is stopped after it", async () => {
  folder.write("a.yaml", word("a", "old"));
  const components = await started();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const early = words(components, async () => {
    await held;
    return answer;
  });
  folder.write("a.yaml", word("a", "new"));
  await apply(components);
  expect(await words(components)).toBe("new");
  expect(events).toEqual(["start old", "start new"]);
  release();
  expect(await early).toBe("old");
  await new Promise((resolve) => setImmediate(resolve));
  expect(events).toEqual(["start old", "start new", "stop old"]);
  await components.middleware.stop();
  expect(events).toHaveLength(4);
});

test("one component that does not work keeps everything as it was", async () => {
  folder.write("a.yaml", word("a", "one"), word("b", "two"));
  const components = await started();
  lines = [];
  folder.write("a.yaml", word("a", "three"), broken("b"));
  const failed = `initialization error occurred for b (${type}/v1)`;
  const problem = `process component b error: [INIT_COMPONENT_FAILURE]: ${failed}: [CREATE_COMPONENT_FAILURE]: ${failed}: process component b error: error creating HTTP middleware ${type}/v1: no word today`;
  expect(await apply(components)).toEqual({ kind: "refused", problem });
  expect(await words(components)).toBe("two one");
  // What was made for nothing is stopped, and so is what failed to start.
  const made = ["start one", "start two", "start three"];
  expect(events).toEqual([...made, "stop undefined", "stop three"]);
  expect(lines).toEqual([]);
  // A component that works is not given up for one that may fail, either.
  folder.write("a.yaml", word("a", "one"), broken("b", "ignoreErrors: true, "));
  expect(await apply(components)).toEqual({ kind: "refused", problem });
  folder.write(
    "a.yaml",
    word("a", "one"),
    resource("Component", "b", "{type: what.ever, version: v1}"),
  );
  expect(await apply(components)).toEqual({
    kind: "refused",
    problem: "process component b error: incorrect type what.ever",
  });
  expect(names(components)).toBe("a b");
});

test("a new component that may fail is left out, as at the start", async () => {
  folder.write("a.yaml", word("a", "one"));
  const components = await started();
  folder.write("a.yaml", word("a", "one"), broken("b", "ignoreErrors: true, "));
  expect(await apply(components)).toEqual({ kind: "applied" });
  expect(lines).toContainEqual(
    expect.stringContaining("Ignoring error processing component: process component b error:"),
  );
  expect(names(components)).toBe("a");
  const denied = resource("Component", "c", "{type: middleware.http.denied, version: v1}");
  const store = resource("Component", "d", "{type: state.redis, version: v1}");
  folder.write("a.yaml", word("a", "one"), word("b", "two"), denied, store);
  expect(await apply(components)).toEqual({ kind: "applied" });
  expect(names(components)).toBe("a b");
  expect(lines).toContainEqual(expect.stringContaining("its type is denied"));
  expect(lines).toContainEqual(expect.stringContaining("d (state.redis/v1) is not loaded"));
  // A type that is denied takes a component out.
  const gone = resource("Component", "a", "{type: middleware.http.denied, version: v1}");
  folder.write("a.yaml", gone, word("b", "two"));
  expect(await apply(components)).toEqual({ kind: "applied" });
  expect(await words(components)).toBe("two");
});

test("a changed secret store makes what refers to it anew, and nothing else", async () => {
  const secrets = (name: string, text: string): string => {
    const file = join(home, name);
    writeFileSync(file, JSON.stringify({ word: text }));
    return resource(
      "Component",
      "store",
      `{type: secretstores.local.file, version: v1, metadata: [{name: secretsFile, value: "${file}"}]}`,
    );
  };
  const reader = resource(
    "Component",
    "a",
    `{type: "${type}", version: v1, metadata: [{name: word, secretKeyRef: {name: word}}]}`,
  ).concat("auth: {secretStore: store}\n");
  folder.write("a.yaml", secrets("one.json", "one"), reader, word("b", "plain"));
  const components = await started();
  expect(await words(components)).toBe("plain one");
  folder.write("a.yaml", secrets("two.json", "two"), reader, word("b", "plain"));
  expect(await apply(components)).toEqual({ kind: "applied" });
  expect(await words(components)).toBe("plain two");
  expect(events.filter((event) => event.endsWith("plain"))).toEqual(["start plain"]);
  // Without the store the reader does not work: both stay.
  folder.write("a.yaml", reader, word("b", "plain"));
  expect(await apply(components)).toMatchObject({ kind: "refused" });
  expect(await words(components)).toBe("plain two");
  expect(names(components)).toBe("store a b");
  // Endpoints are made with the runtime.
  const endpoint = `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata: {name: shop}
spec: {baseUrl: "http://127.0.0.1:9", headers: [{name: key, secretKeyRef: {name: word}}]}
auth: {secretStore: store}
`;
  folder.write("a.yaml", secrets("three.json", "three"), reader, endpoint);
  expect(await apply(components)).toMatchObject({ kind: "restart" });
  expect(await words(components)).toBe("plain two");
});

test("changes that come while the sidecar ends are dropped", async () => {
  folder.write("a.yaml", word("a", "one"));
  const components = await started();
  folder.write("a.yaml", word("a", "two"));
  expect(await apply(components, AbortSignal.abort())).toMatchObject({ kind: "refused" });
  expect(await words(components)).toBe("one");
  expect(events).toEqual(["start one", "start two", "stop two"]);
  await components.middleware.stop();
  expect(events).toEqual(["start one", "start two", "stop two", "stop one"]);
});
