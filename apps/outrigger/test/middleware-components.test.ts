import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type HttpRequest, type HttpResponse, type LogLevel, silentLogger } from "@outrigger/core";
import {
  type ComponentDocument,
  loadConfiguration,
  type MetadataSources,
} from "@outrigger/resources";
import { expect, test } from "vitest";
import { MiddlewareComponents } from "../src/middleware/middleware-components.ts";

const { configuration } = await loadConfiguration([]);
const handlers = ["first", "second"].map((name) => ({
  name,
  type: "middleware.http.routeralias",
  version: "",
  selector: [],
}));

function documentOf(
  name: string,
  routes: string,
  type = "middleware.http.routeralias",
): ComponentDocument {
  const value = { name: "routes", value: routes, secretKeyRef: undefined, envRef: undefined };
  const more = { namespace: "", version: "v1", ignoreErrors: false, initTimeoutMs: 200 };
  const rest = { secretStore: "", scopes: [], file: "a.yaml", metadata: [value] };
  return { kind: "Component", name, type, ...more, ...rest };
}

function make(lines: string[] = []): MiddlewareComponents {
  const log = { ...silentLogger, log: (_level: LogLevel, text: string) => void lines.push(text) };
  const context = { appId: "self", namespace: "default", log, now: Date.now, random: Math.random };
  return new MiddlewareComponents({ ...configuration, httpPipeline: handlers }, context);
}

const sources: MetadataSources = { appId: "self", namespace: "default", env: {}, secret: () => "" };

async function use(components: MiddlewareComponents, ...documents: readonly ComponentDocument[]) {
  const made = documents.map((document) => components.make(document, sources));
  components.replaceAll(await Promise.all(made));
}

async function pathAfter(components: MiddlewareComponents, path: string): Promise<string> {
  const { signal } = new AbortController();
  const body = Buffer.alloc(0);
  const request: HttpRequest = {
    method: "GET",
    path,
    query: "",
    headers: [],
    body,
    bodyLength: 0,
    signal,
  };
  let seen = "";
  const answer: HttpResponse = { status: 200, headers: [], body };
  await components.httpPipeline?.run(request, async (passed) => {
    seen = passed.path;
    return answer;
  });
  return seen;
}

test("pipelines change while they serve, as components come, change and go", async () => {
  const lines: string[] = [];
  const components = make(lines);
  expect(components.httpPipeline?.isEmpty).toBe(true);
  expect(components.appHttpPipeline).toBeUndefined();
  await use(components, documentOf("second", "/b: /c"));
  expect(await pathAfter(components, "/a")).toBe("/a");
  await use(components, documentOf("second", "/b: /c"), documentOf("first", "/a: /b"));
  expect(await pathAfter(components, "/a")).toBe("/c");
  await use(components, documentOf("first", "/a: /b"), documentOf("second", "/b: /d"));
  expect(await pathAfter(components, "/a")).toBe("/d");
  const other = documentOf("second", "", "middleware.http.uppercase");
  await use(components, documentOf("first", "/a: /b"), other);
  expect(await pathAfter(components, "/a")).toBe("/b");
  components.reportMissing();
  components.reportMissing();
  expect(lines).toEqual([
    expect.stringContaining("handler second (middleware.http.routeralias/v1)"),
  ]);
  await use(components, other);
  expect(await pathAfter(components, "/a")).toBe("/a");
  components.reportMissing();
  expect(lines).toHaveLength(2);
  await components.stop();
});

test("a component that cannot be made leaves those in use alone", async () => {
  const components = make();
  await use(components, documentOf("first", "/a: /b"));
  await expect(components.make(documentOf("first", "{"), sources)).rejects.toThrow(
    "[INIT_COMPONENT_FAILURE]: initialization error occurred for first (middleware.http.routeralias/v1): [CREATE_COMPONENT_FAILURE]: initialization error occurred for first (middleware.http.routeralias/v1): process component first error: error creating HTTP middleware middleware.http.routeralias/v1: failed to decode 'routes' property as JSON or YAML",
  );
  expect(await pathAfter(components, "/a")).toBe("/b");
});

test("a component that does not start in time is given up", async () => {
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const components = make();
  const document = documentOf("guard", "", "middleware.http.bearer");
  const values = { issuer: `http://127.0.0.1:${port}`, audience: "a" };
  const metadata = Object.entries(values).map(([name, value]) => {
    return { name, value, secretKeyRef: undefined, envRef: undefined };
  });
  await expect(components.make({ ...document, metadata }, sources)).rejects.toThrow(
    "init timeout for component guard (middleware.http.bearer/v1) exceeded after 200ms",
  );
  silent.closeAllConnections();
  silent.close();
});
