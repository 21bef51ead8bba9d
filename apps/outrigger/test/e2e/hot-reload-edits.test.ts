import { readdirSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { editSeed, randomNumbers } from "./random-numbers.ts";
import { endpoint, ResourceFolder, resource } from "./resource-folder.ts";

/** The others of a thousand change components, which needs no restart. */
const edits = 300;

let mesh: Mesh;
let folder: ResourceFolder;
beforeEach(() => {
  mesh = new Mesh();
  folder = new ResourceFolder();
});
afterEach(async () => {
  await mesh.close();
  folder.remove();
});

/** Two endpoints that are always written together, so a mixture of two versions shows. */
const pair = (version: number): string =>
  `${endpoint(`a-${version}`)}---\n${endpoint(`b-${version}`)}`;

/** Edits the folder. Returns true when the version is now in force. */
function edit(kind: number, version: number): boolean {
  const text = pair(version);
  if (kind < 3) folder.write("pair.yaml", text);
  else if (kind < 6) folder.replace("pair.yaml", text);
  else if (kind === 6) folder.write("pair.yaml", `${text}---\n${endpoint("x")}  y: [1\n`);
  else if (kind === 7) folder.write("pair.yaml", `${text}---\n${endpoint(`a-${version}`)}`);
  else if (kind === 8) folder.write("policies.yaml", policies(`${version}s`));
  else if (kind === 9) folder.write("policies.yaml", policies("soon"));
  else if (kind === 10) folder.delete("policies.yaml");
  // In the middle of the last document's braces.
  else if (kind === 11) folder.write("pair.yaml", text.slice(0, -3));
  else if (kind === 12)
    folder.replace("other.yaml", resource("Configuration", "c", `{a: ${version}}`));
  else folder.write("notes.txt", `${version}`);
  return kind < 6;
}

const policies = (timeout: string): string =>
  resource("Resiliency", "policies", `{policies: {timeouts: {t: ${timeout}}}}`);

/** Files, sockets and watches that the process has open; 0 where the system does not tell. */
function handles({ child }: SidecarProcess): number {
  return process.platform === "linux" ? readdirSync(`/proc/${child.pid}/fd`).length : 0;
}

/** The version that the sidecar serves; `undefined` while it restarts. @throws Error for a mixture. */
async function served(sidecar: SidecarProcess): Promise<number | undefined> {
  expect(sidecar.child.exitCode, sidecar.output().slice(-2_000)).toBeNull();
  const answer = await call(sidecar.httpPort, "GET", "/v1.0/metadata").catch(() => undefined);
  if (answer?.status !== 200) return undefined;
  const { httpEndpoints } = JSON.parse(answer.body) as { httpEndpoints: { name: string }[] };
  const [first = "", second = ""] = httpEndpoints.map(({ name }) => name);
  const version = Number(first.slice(2));
  expect([first, second]).toEqual([`a-${version}`, `b-${version}`]);
  return version;
}

test(`through ${edits} random edits (seed ${editSeed}) the sidecar serves one version or the next, whole`, {
  timeout: 120_000,
}, async () => {
  folder.write("pair.yaml", pair(0));
  const sidecar = await mesh.sidecar("caller", { flags: ["--resources-path", folder.path] });
  const random = randomNumbers(editSeed);
  const valid = [0];
  let lowest = 0;
  let openAtFirst = 0;
  for (let version = 1; version <= edits; version += 1) {
    if (edit(random(14), version)) valid.push(version);
    const now = await served(sidecar);
    if (now !== undefined) {
      expect(valid).toContain(now);
      expect(now).toBeGreaterThanOrEqual(lowest);
      lowest = now;
    }
    if (version % 10 !== 0) continue;
    folder.replace("pair.yaml", pair(version));
    folder.delete("policies.yaml");
    valid.push(version);
    await waitFor(async () => (await served(sidecar)) === version, `version ${version}`);
    lowest = version;
    if (version === 10) openAtFirst = handles(sidecar);
  }
  // Connections of this test's own calls come and go; a leak would be one for each of the lives.
  expect(handles(sidecar)).toBeLessThan(openAtFirst + 15);
  expect(await served(sidecar)).toBe(edits);
  expect(await sidecar.end("SIGTERM")).toBe(0);
  // Node warns of listeners that pile up from life to life.
  expect(sidecar.output()).not.toMatch(/Warning|"fatal"|level=fatal/);
});
