import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Mesh } from "./mesh.ts";

/** A handler of a pipeline, or the component that it names. */
export interface HandlerText {
  readonly name: string;
  readonly type: string;
  readonly version?: string;
}

/** A Configuration with pipelines, and mDNS on the loopback interface. */
export function pipelineConfig(
  pipelines: Readonly<Record<string, readonly HandlerText[]>>,
): string {
  const spec = Object.entries(pipelines).map(([name, handlers]) => {
    return `  ${name}: ${JSON.stringify({ handlers })}\n`;
  });
  return `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: e2e
spec:
${spec.join("")}`;
}

/** A Component document; further settings may be appended to it. */
export function componentText(
  { name, type }: HandlerText,
  settings: Readonly<Record<string, string>> = {},
  moreSpec = "",
): string {
  const items = Object.entries(settings).map(
    ([key, value]) => `    - {name: ${key}, value: ${JSON.stringify(value)}}\n`,
  );
  return `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${name}
spec:
  type: ${type}
  version: v1
${moreSpec}  metadata:
${items.join("")}`;
}

let folders = 0;

/** Writes a folder of resources, and packages into its `node_modules`; the mesh deletes it. */
export function resourcesFolder(
  mesh: Mesh,
  documents: readonly string[],
  packages: Readonly<Record<string, string>> = {},
): string {
  folders += 1;
  const marker = mesh.writeConfig("resources-are-here", "");
  const folder = join(dirname(marker), `resources-${folders}`);
  mkdirSync(folder);
  documents.forEach((text, index) => {
    writeFileSync(join(folder, `${index}.yaml`), text);
  });
  for (const [name, source] of Object.entries(packages)) {
    const home = join(folder, "node_modules", name);
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), JSON.stringify({ name, type: "module" }));
    writeFileSync(join(home, "index.js"), source);
  }
  return folder;
}
