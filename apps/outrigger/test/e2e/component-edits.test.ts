import { readdirSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Load } from "./load.ts";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { componentText, pipelineConfig } from "./middleware-files.ts";
import { editSeed, randomNumbers } from "./random-numbers.ts";
import { ResourceFolder, resource } from "./resource-folder.ts";

/** The others of a thousand restart the runtime. */
const edits = 700;
const settleEvery = 35;

let mesh: Mesh;
let folder: ResourceFolder;
beforeEach(() => {
  mesh = new Mesh();
  folder = new ResourceFolder();
  folder.package("edit-marker", marker);
});
afterEach(async () => {
  await mesh.close();
  folder.remove();
});

/** Marks answers with a word, and holds a timer from its start to its stop. */
const marker = `
export const middleware = ({ word }) => {
  let timer;
  return () => ({
    name: "edit-marker",
    async start() {
      if (word === "bad") throw new Error("no such word");
      globalThis.alive = (globalThis.alive ?? 0) + 1;
      timer = setInterval(() => undefined, 1000);
    },
    async stop() { clearInterval(timer); globalThis.alive -= 1; },
    async handle(request, next) {
      const response = await next(request);
      const headers = [...response.headers, "X-Word", word, "X-Alive", String(globalThis.alive)];
      return { ...response, headers };
    },
  });
};
`;

const type = "middleware.http.npm:edit-marker";
const [first, second] = [
  { name: "a", type },
  { name: "b", type },
];
const part = (handler: typeof first, word: string): string => componentText(handler, { word });

/** Two components that are always written together, so a mixture of two versions shows. */
const pair = (version: number): string =>
  `${part(first, `${version}`)}---\n${part(second, `${version}`)}`;

/** The edits that may be in force, as callers see them. */
class Expectation {
  #valid = new Set(["0, 0"]);

  allow(words: string): void {
    this.#valid.add(words);
  }

  /** Earlier versions must not come back. */
  onlyFromNow(words: string): void {
    this.#valid = new Set([words]);
  }

  judge({ "x-word": word = "none" }: IncomingHttpHeaders): string | undefined {
    const words = `${word}`;
    return this.#valid.has(words)
      ? undefined
      : `words ${words}, of ${[...this.#valid].join(" | ")}`;
  }
}

/** Edits the folder: most edits are fit for use, the others must never show. */
class Editor {
  readonly #expectation: Expectation;
  #file = "pair.yaml";
  #moves = 0;

  constructor(expectation: Expectation) {
    this.#expectation = expectation;
  }

  settle(version: number): void {
    this.#expectation.allow(`${version}, ${version}`);
    folder.replace(this.#file, pair(version));
  }

  edit(kind: number, version: number): void {
    const good = pair(version);
    if (kind < 3) this.settle(version);
    else if (kind < 5) {
      this.#expectation.allow(`${version}, ${version}`);
      folder.write(this.#file, good);
    } else if (kind === 5) this.#delete();
    else if (kind === 6) this.#rename();
    // In the middle of the last document's braces.
    else if (kind === 7) folder.write(this.#file, good.slice(0, -3));
    else if (kind === 8) folder.write(this.#file, part(first, `${version}`), part(second, "bad"));
    else if (kind === 9) folder.write(this.#file, good, part(first, "twice"));
    else if (kind === 10)
      folder.replace(this.#file, good, resource("Component", "c", "{type: x.y}"));
    else folder.write(this.#file, "kind: [", good);
  }

  #delete(): void {
    this.#expectation.allow("none");
    folder.delete(this.#file);
  }

  #rename(): void {
    this.#moves += 1;
    const next = `pair-${this.#moves % 3}.yaml`;
    // What was deleted before cannot be moved.
    if (!readdirSync(folder.path).includes(this.#file)) return;
    folder.rename(this.#file, next);
    this.#file = next;
  }
}

/** Files, sockets and watches that the process has open; 0 where the system does not tell. */
function handles({ child }: SidecarProcess): number {
  return process.platform === "linux" ? readdirSync(`/proc/${child.pid}/fd`).length : 0;
}

test(`through ${edits} random edits (seed ${editSeed}) of components under load, no call is lost`, {
  timeout: 60_000,
}, async () => {
  const app = await mesh.app((_request, response) => response.end("ok"));
  folder.write("pair.yaml", pair(0));
  const sidecar = await mesh.sidecar("self", {
    appPort: app.port,
    config: pipelineConfig({ httpPipeline: [first, second] }),
    flags: ["--resources-path", folder.path],
  });
  const path = "/v1.0/invoke/self/method/x";
  const ask = async () => (await call(sidecar.httpPort, "GET", path)).headers;
  const expectation = new Expectation();
  const editor = new Editor(expectation);
  const load = new Load(sidecar.httpPort, path, 3, (headers) => expectation.judge(headers));
  const random = randomNumbers(editSeed);
  let openAtFirst = 0;
  for (let version = 1; version <= edits; version += 1) {
    editor.edit(random(12), version);
    await new Promise((resolve) => setTimeout(resolve, random(30)));
    if (version % settleEvery !== 0) continue;
    editor.settle(version);
    const words = `${version}, ${version}`;
    await waitFor(async () => (await ask())["x-word"] === words, `${words} in force`);
    // Requests that began before may still be under way.
    const began = load.calls;
    await waitFor(async () => load.calls > began + 6, "calls with the version");
    expectation.onlyFromNow(words);
    if (version === settleEvery) openAtFirst = handles(sidecar);
  }
  const { calls, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(edits);
  expect(handles(sidecar)).toBeLessThan(openAtFirst + 15);
  // Of all the components that were made, those in use are left.
  await waitFor(async () => (await ask())["x-alive"] === "2, 2", "the others are stopped");
  expect(sidecar.output()).not.toContain("hangup");
  expect(await sidecar.end("SIGTERM")).toBe(0);
  expect(sidecar.output()).not.toMatch(/Warning|"fatal"|level=fatal/);
});
