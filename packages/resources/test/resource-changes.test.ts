import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type LoadedResources,
  loadResources,
  newProblems,
  resourceChanges,
} from "@outrigger/resources";
import { expect, test } from "vitest";

async function load(files: Record<string, string>): Promise<LoadedResources> {
  const directory = mkdtempSync(join(tmpdir(), "outrigger-changes-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const loaded = await loadResources([directory], { appId: "caller", namespace: "default" });
  rmSync(directory, { recursive: true });
  return loaded;
}

async function changes(
  before: Record<string, string>,
  after: Record<string, string>,
): Promise<readonly string[]> {
  const found = resourceChanges(await load(before), await load(after));
  return found.map(({ kind, event, name }) => `${kind} ${event} ${name}`);
}

function document(kind: string, name: string, spec: string, more = ""): string {
  return `apiVersion: dapr.io/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec: ${spec}\n${more}`;
}

const endpoint = (name: string, port = 9_000, more = ""): string =>
  document("HTTPEndpoint", name, `{baseUrl: "http://127.0.0.1:${port}"}`, more);

test("deleted resources come first, then updated and created ones", async () => {
  const before = { "a.yaml": [endpoint("changed"), endpoint("gone")].join("---\n") };
  const after = { "a.yaml": [endpoint("new"), endpoint("changed", 9_001)].join("---\n") };
  expect(await changes(before, after)).toEqual([
    "HTTPEndpoint DELETED gone",
    "HTTPEndpoint UPDATED changed",
    "HTTPEndpoint CREATED new",
  ]);
});

test.each(["Component", "Configuration", "HTTPEndpoint", "Resiliency"])(
  "a changed %s is seen",
  async (kind) => {
    const spec = (number: number): string => {
      if (kind === "Component") return `{type: middleware.http.uppercase, version: v${number}}`;
      if (kind === "Resiliency") return `{policies: {timeouts: {slow: ${number}s}}}`;
      return `{baseUrl: "http://127.0.0.1:${number}"}`;
    };
    const before = { "a.yaml": document(kind, "same", spec(1)) };
    expect(await changes(before, { "a.yaml": document(kind, "same", spec(2)) })).toEqual([
      `${kind} UPDATED same`,
    ]);
    expect(await changes(before, before)).toEqual([]);
    expect(await changes({}, before)).toEqual([`${kind} CREATED same`]);
  },
);

test("what has no effect is no change: comments, spelling, labels, order, another file", async () => {
  const before = { "a.yaml": [endpoint("one"), endpoint("two")].join("---\n") };
  const labelled = endpoint("one").replace("metadata:", "metadata:\n  labels: {a: b}");
  const after = { "b.yaml": `# a comment\n${endpoint("two")}---\n${labelled}` };
  expect(await changes(before, after)).toEqual([]);
});

test("scopes and namespaces decide what is there", async () => {
  const before = { "a.yaml": endpoint("one") };
  const elsewhere = endpoint("one").replace("metadata:", "metadata:\n  namespace: other");
  expect(await changes(before, { "a.yaml": endpoint("one", 9_000, "scopes: [other]\n") })).toEqual([
    "HTTPEndpoint DELETED one",
  ]);
  expect(await changes({ "a.yaml": elsewhere }, before)).toEqual(["HTTPEndpoint CREATED one"]);
});

test("all resiliency documents of one name are compared", async () => {
  const policy = (timeout: string): string =>
    document("Resiliency", "same", `{policies: {timeouts: {t: ${timeout}}}}`);
  const before = { "a.yaml": policy("1s"), "b.yaml": policy("2s") };
  expect(await changes(before, { "a.yaml": policy("1s"), "b.yaml": policy("3s") })).toEqual([
    "Resiliency UPDATED same",
  ]);
  expect(await changes(before, { "a.yaml": policy("1s") })).toEqual(["Resiliency UPDATED same"]);
});

test("directories that nobody reads count as empty", async () => {
  const loaded = await load({ "a.yaml": endpoint("one") });
  expect(resourceChanges(undefined, loaded)).toHaveLength(1);
  expect(resourceChanges(loaded, undefined)).toHaveLength(1);
  expect(resourceChanges(undefined, undefined)).toEqual([]);
});

test("only what became unusable is a new problem", async () => {
  const broken = `${endpoint("broken")}  x: [1\n`;
  const before = await load({ "a.yaml": broken });
  expect(newProblems(before, await load({ "a.yaml": broken, "b.txt": "text" }))).toEqual([]);
  const [problem, ...others] = newProblems(
    before,
    await load({ "a.yaml": broken, "b.yaml": broken }),
  );
  expect(problem).toContain("in b.yaml");
  expect(others).toEqual([]);
  expect(newProblems(undefined, before)).toHaveLength(1);
  expect(newProblems(before, undefined)).toEqual([]);
});
