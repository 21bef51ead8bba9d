import { describe, expect, test } from "vitest";
import { arrowAllowed, importsOf, layerOf, packageOf } from "./layer-rules.ts";
import { packages, type WorkspacePackage } from "./workspace.ts";

const folders = new Map(packages.map(({ folder, manifest }) => [manifest.name, folder]));

/** Arrows from the package to others of this workspace that the layers forbid, as sentences. */
function forbiddenArrows(owner: WorkspacePackage, targets: Iterable<string>, where: string) {
  const { name } = owner.manifest;
  const layer = layerOf(name, owner.folder);
  return [...new Set(targets)]
    .filter((target) => target !== name && folders.has(target))
    .filter((to) => !arrowAllowed(name, layer, to, layerOf(to, folders.get(to) ?? "")))
    .map((to) => `${name} (${layer}) -> ${to} is not an arrow of the architecture (${where})`);
}

/** Each import of another package, with the file that has it. */
function foreignImports({ sources, read }: WorkspacePackage) {
  return sources.flatMap((file) =>
    importsOf(read(file)).flatMap((specifier) => {
      const target = packageOf(specifier);
      return target === undefined ? [] : [{ file, target }];
    }),
  );
}

describe.for(packages.map((owner) => [owner.manifest.name, owner] as const))("%s", ([, owner]) => {
  const { manifest } = owner;
  const runtime = { ...manifest.dependencies, ...manifest.peerDependencies };

  test("depends only on the layers below it", () => {
    expect(forbiddenArrows(owner, Object.keys(runtime), "package.json")).toEqual([]);
  });

  test("imports only the layers below it", () => {
    const arrows = foreignImports(owner).flatMap(({ file, target }) =>
      forbiddenArrows(owner, [target], file),
    );
    expect(arrows).toEqual([]);
  });

  test("declares every package that it imports", () => {
    const undeclared = foreignImports(owner)
      .filter(({ target }) => target !== manifest.name && !(target in runtime))
      .map(({ file, target }) => `${owner.folder}/${file} imports ${target}, which is undeclared`);
    expect(undeclared).toEqual([]);
  });

  test("takes conformance for its tests only", () => {
    expect(Object.keys(runtime)).not.toContain("@outrigger/conformance");
  });

  test("shares the core of whoever uses it", () => {
    if (owner.folder.startsWith("apps/") || manifest.name === "@outrigger/core") return;
    expect(manifest.dependencies ?? {}, "core is a peer").not.toHaveProperty(["@outrigger/core"]);
    expect(manifest.peerDependencies ?? {}).toHaveProperty(["@outrigger/core"]);
  });
});

test("core imports nothing but itself and Node's built-ins", () => {
  const core = packages.find(({ manifest }) => manifest.name === "@outrigger/core");
  expect(core && foreignImports(core)).toEqual([]);
  expect(core?.manifest.dependencies ?? {}).toEqual({});
});

describe("the rules themselves", () => {
  test.for([
    ["@outrigger/resolver-mdns", "component", "@outrigger/resolver-static", "component"],
    ["@outrigger/resolver-mdns", "component", "@outrigger/grpc-http2", "engine"],
    ["@outrigger/protocol", "protocol", "@outrigger/grpc-http2", "engine"],
    ["@outrigger/core", "core", "@outrigger/protocol", "protocol"],
    ["@outrigger/transport-grpc", "component", "@outrigger/conformance", "conformance"],
    ["outrigger", "app", "@outrigger/conformance", "conformance"],
  ] as const)("%s (%s) may not import %s", ([from, fromLayer, to, toLayer]) => {
    expect(arrowAllowed(from, fromLayer, to, toLayer)).toBe(false);
  });

  test("the engine serves those who speak gRPC", () => {
    for (const from of ["transport-grpc", "ingress-grpc", "app-channel-grpc", "identity-sentry"]) {
      expect(
        arrowAllowed(`@outrigger/${from}`, "component", "@outrigger/grpc-http2", "engine"),
      ).toBe(true);
    }
  });

  test("finds imports of every form", () => {
    const source = [
      'import { a } from "@x/a/sub";',
      "import {",
      "  b,",
      '} from "b";',
      'import "c";',
      'export { d } from "./d.ts";',
      'const e = await import("e");',
      'import type { F } from "node:fs";',
    ].join("\n");
    expect(importsOf(source).map(packageOf)).toEqual(["@x/a", "b", "c", undefined, "e", undefined]);
  });

  test("an unknown kind of package has to be placed first", () => {
    expect(() => layerOf("@outrigger/gadget", "packages/gadget")).toThrow(/belongs to no layer/);
  });
});
