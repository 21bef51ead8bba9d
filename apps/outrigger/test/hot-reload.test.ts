import { type Logger, silentLogger } from "@outrigger/core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type HotReload, type HotReloadParts, startHotReload } from "../src/sidecar/hot-reload.ts";
import { KnownResources } from "../src/sidecar/known-resources.ts";
import { readResources, type SidecarResources } from "../src/sidecar/read-resources.ts";
import { endpoint, ResourceFolder, resource } from "./e2e/resource-folder.ts";

let folder: ResourceFolder;
let reload: HotReload | undefined;
beforeEach(() => {
  folder = new ResourceFolder();
});
afterEach(() => {
  reload?.close();
  folder.remove();
});

type Apply = HotReloadParts["components"]["apply"];

/** Watches the folder; resolves with what happened first after the start. */
async function watching(
  apply: Apply,
  rehearse: HotReloadParts["rehearse"] = async () => undefined,
) {
  const options = {
    appId: "caller",
    configFiles: [],
    resourcesPaths: [folder.path],
    hotReloadReconcileMs: 3_600_000,
  };
  const known = new KnownResources();
  known.accept((await readResources(options, {})).resources);
  const lines: string[] = [];
  const log: Logger = {
    ...silentLogger,
    log: (_level, text) => void lines.push(text),
    scope: () => log,
  };
  const restarted = new Promise<void>((resolve) => {
    const stops = { hangUp: resolve };
    const parts = { log, env: {}, stops, known, components: { apply }, rehearse };
    reload = startHotReload(options, parts);
  });
  return { restarted, known, lines };
}

/** Names of the components of a reading. */
const namesIn = ({ loaded }: SidecarResources): readonly string[] =>
  loaded?.components.map(({ name }) => name) ?? [];

const component = (name: string, type: string): string =>
  resource("Component", name, `{type: ${type}, version: v1}`);

test("changed components are handed over while calls run, and nothing restarts", async () => {
  folder.write("a.yaml", component("old", "middleware.http.uppercase"));
  const seen: (readonly string[])[] = [];
  let told = (): void => undefined;
  const { restarted, known } = await watching(async (resources) => {
    seen.push(namesIn(resources));
    told();
    return { kind: "applied" };
  });
  const restarts: string[] = [];
  void restarted.then(() => restarts.push("restart"));
  for (const name of ["new", "newer"]) {
    const handed = new Promise<void>((resolve) => {
      told = resolve;
    });
    folder.write("a.yaml", component(name, "middleware.http.uppercase"));
    await handed;
  }
  expect(seen).toEqual([["new"], ["newer"]]);
  await vi.waitFor(() => expect(known.good && namesIn(known.good)).toEqual(["newer"]), 10_000);
  expect(restarts).toEqual([]);
  expect(known.takeOffer()).toBeUndefined();
});

test("components that cannot change while calls run restart the runtime", async () => {
  const { restarted, known } = await watching(async () => ({ kind: "restart", reason: "why" }));
  folder.write("a.yaml", component("new", "middleware.http.uppercase"));
  await restarted;
  const offer = known.takeOffer();
  expect(offer?.resources.loaded?.components.map(({ name }) => name)).toEqual(["new"]);
});

test("components that do not work stay out of use, which is told once, until they are mended", async () => {
  const applied: string[] = [];
  const { known, lines } = await watching(async (resources) => {
    const [name = ""] = namesIn(resources);
    applied.push(name);
    return name === "good" ? { kind: "applied" } : { kind: "refused", problem: `${name} is bad` };
  });
  folder.write("a.yaml", component("bad", "middleware.http.uppercase"));
  await vi.waitFor(() => expect(applied).toEqual(["bad"]), 10_000);
  folder.write("b.yaml", "# a remark");
  await vi.waitFor(() => expect(applied).toEqual(["bad", "bad"]), 10_000);
  expect(known.good && namesIn(known.good)).toEqual([]);
  folder.write("a.yaml", component("good", "middleware.http.uppercase"));
  await vi.waitFor(() => expect(known.good && namesIn(known.good)).toEqual(["good"]), 10_000);
  expect(lines.filter((line) => line.includes("is bad"))).toEqual([
    "Changed files are not used, the running configuration stays: bad is bad",
  ]);
});

test("one restart takes components and the rest", async () => {
  const { restarted } = await watching(async () => {
    throw new Error("must not be asked");
  });
  folder.write("a.yaml", component("shout", "middleware.http.uppercase"), endpoint("shop"));
  await restarted;
});

test("what is unfit for a start does not restart, which is told once, until it is mended", async () => {
  let rehearsals = 0;
  const { restarted, lines, known } = await watching(
    async () => {
      throw new Error("must not be asked");
    },
    async ({ loaded }) => {
      rehearsals += 1;
      return loaded?.httpEndpoints.length === 1 ? "a policy is bad" : undefined;
    },
  );
  folder.write("a.yaml", endpoint("one"));
  await vi.waitFor(() => expect(rehearsals).toBe(1), 10_000);
  folder.write("b.yaml", "# a remark");
  await vi.waitFor(() => expect(rehearsals).toBe(2), 10_000);
  expect(known.takeOffer()).toBeUndefined();
  folder.write("b.yaml", endpoint("two"));
  await restarted;
  expect(lines.filter((line) => line.includes("is bad"))).toEqual([
    "Changed files are not used, the running configuration stays: a policy is bad",
  ]);
});
