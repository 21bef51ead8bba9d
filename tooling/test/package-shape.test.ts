import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packages, workspace } from "./workspace.ts";

const licence = readFileSync(join(workspace, "LICENSE"), "utf8");

/** What needs a newer Node.js than the rest, for a module of Node.js or for a dependency. */
const newerNode: Readonly<Record<string, string>> = {
  "packages/resolver-kubernetes": ">=22.19",
  "packages/resolver-sqlite": ">=22.13",
  "packages/tracing-otlp": ">=22.15",
};

function firstTypeScriptBlock(markdown: string): string | undefined {
  return /```ts\n([\s\S]*?)```/.exec(markdown)?.[1];
}

function references(path: string): string[] {
  const { references = [] } = JSON.parse(readFileSync(join(workspace, path), "utf8")) as {
    references?: { path: string }[];
  };
  return references.map((reference) => reference.path);
}

describe.for(packages.map((owner) => [owner.folder, owner] as const))("%s", ([folder, owner]) => {
  const { manifest } = owner;
  const isApp = folder.startsWith("apps/");

  test("has a README that shows its compiled example", () => {
    expect(owner.has("README.md"), `${folder}/README.md is missing`).toBe(true);
    if (isApp && !owner.has("examples/quick-start.ts")) return; // shown as commands instead
    expect(owner.has("examples/quick-start.ts"), "examples/quick-start.ts is missing").toBe(true);
    expect(firstTypeScriptBlock(owner.read("README.md"))).toBe(
      owner.read("examples/quick-start.ts"),
    );
  });

  test("carries the licence and a description", () => {
    expect(owner.has("LICENSE"), `${folder}/LICENSE is missing`).toBe(true);
    expect(owner.read("LICENSE")).toBe(licence);
    expect(manifest.license).toBe("Apache-2.0");
    expect(manifest.description?.length ?? 0).toBeGreaterThan(10);
  });

  test("is named after its folder", () => {
    const short = folder.split("/").at(-1);
    expect(manifest.name).toBe(short === "outrigger" ? short : `@outrigger/${short}`);
  });

  test("ships ES modules with sources, for the supported Node versions", () => {
    expect(manifest).toMatchObject({
      type: "module",
      sideEffects: false,
      engines: { node: newerNode[folder] ?? ">=20.11" },
      publishConfig: { access: "public", provenance: true },
    });
    expect(manifest.files).toEqual(expect.arrayContaining(["dist", "src", "!dist/.tsbuildinfo"]));
  });

  test("exports each entry as source, types and output", () => {
    const { "./package.json": own, ...entries } = manifest.exports ?? {};
    expect(own).toBe("./package.json");
    expect(Object.keys(entries)).toContain(".");
    for (const [entry, target] of Object.entries(entries)) {
      const file = entry === "." ? "index" : entry.slice(2);
      // The order counts: the first condition that applies wins.
      expect(Object.entries(target), entry).toEqual([
        ["@outrigger/source", `./src/${file}.ts`],
        ["types", `./dist/${file}.d.ts`],
        ["default", `./dist/${file}.js`],
      ]);
      expect(owner.has(`src/${file}.ts`), `${folder}/src/${file}.ts is missing`).toBe(true);
    }
  });

  test("has a test", () => {
    const tests = globSync("test/**/*.test.ts", { cwd: join(workspace, folder) });
    expect(tests.length, `${folder}/test has no *.test.ts`).toBeGreaterThan(0);
  });

  test("is compiled after the packages that it uses", () => {
    const runtime = { ...manifest.dependencies, ...manifest.peerDependencies };
    const used = packages
      .filter((other) => other.manifest.name in runtime)
      .map((other) => other.folder)
      .sort();
    const built = references(`${folder}/tsconfig.json`)
      .map((path) => join(folder, path).replaceAll("\\", "/"))
      .sort();
    expect(built, `references of ${folder}/tsconfig.json`).toEqual(used);
  });

  test("has a note for the next changelog, or a changelog", () => {
    const noted = globSync(".changeset/*.md", { cwd: workspace }).some((path) => {
      const header = /^---\n([\s\S]*?)\n---/.exec(readFileSync(join(workspace, path), "utf8"))?.[1];
      return header?.split("\n").some((line) => line.startsWith(`"${manifest.name}":`));
    });
    expect(noted || owner.has("CHANGELOG.md"), `no changeset names ${manifest.name}`).toBe(true);
  });
});

test.for(["tsconfig.json", "tsconfig.test.json"])("%s knows every package", (path) => {
  expect(references(path)).toEqual(expect.arrayContaining(packages.map(({ folder }) => folder)));
});
