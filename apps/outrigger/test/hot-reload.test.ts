import { silentLogger } from "@outrigger/core";
import type { ResourceChange } from "@outrigger/resources";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type HotReload, type HotReloadParts, startHotReload } from "../src/sidecar/hot-reload.ts";
import { KnownResources } from "../src/sidecar/known-resources.ts";
import { readResources } from "../src/sidecar/read-resources.ts";
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

/** Watches the folder; resolves with what happened first after the start. */
async function watching(onComponents?: HotReloadParts["onComponents"]) {
  const options = {
    appId: "caller",
    configFiles: [],
    resourcesPaths: [folder.path],
    hotReloadReconcileMs: 3_600_000,
  };
  const known = new KnownResources();
  known.accept((await readResources(options, {})).resources);
  const restarted = new Promise<void>((resolve) => {
    reload = startHotReload(options, {
      log: silentLogger,
      env: {},
      stops: { hangUp: resolve },
      known,
      ...(onComponents === undefined ? {} : { onComponents }),
    });
  });
  return { restarted, known };
}

const component = (name: string, type: string): string =>
  resource("Component", name, `{type: ${type}, version: v1}`);

test("changed components are handed over while calls run, and nothing restarts", async () => {
  folder.write("a.yaml", component("old", "middleware.http.uppercase"));
  const seen: ResourceChange[][] = [];
  let told = (): void => undefined;
  const { restarted, known } = await watching(async (changes) => {
    seen.push([...changes]);
    told();
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
  expect(seen).toEqual([
    [
      { kind: "Component", name: "old", event: "DELETED" },
      { kind: "Component", name: "new", event: "CREATED" },
    ],
    [
      { kind: "Component", name: "new", event: "DELETED" },
      { kind: "Component", name: "newer", event: "CREATED" },
    ],
  ]);
  expect(restarts).toEqual([]);
  expect(known.takeOffer()).toBeUndefined();
});

test("components that cannot change while calls run restart the runtime", async () => {
  const { restarted, known } = await watching(async () => {
    throw new Error("cannot");
  });
  folder.write("a.yaml", component("new", "middleware.http.uppercase"));
  await restarted;
  const offer = known.takeOffer();
  expect(offer?.resources.loaded?.components.map(({ name }) => name)).toEqual(["new"]);
});

test("without somebody to take them, only components that take part in calls restart", async () => {
  const { restarted, known } = await watching();
  let lives = 1;
  void restarted.then(() => {
    lives += 1;
  });
  folder.write("a.yaml", component("store", "state.redis"));
  await vi.waitFor(() => expect(known.good?.loaded?.components).toHaveLength(1), 10_000);
  expect(lives).toBe(1);
  folder.write("b.yaml", component("shout", "middleware.http.uppercase"));
  await restarted;
  expect(known.takeOffer()?.resources.loaded?.components).toHaveLength(2);
});

test("one restart takes components and the rest", async () => {
  const { restarted } = await watching(async () => {
    throw new Error("must not be asked");
  });
  folder.write("a.yaml", component("shout", "middleware.http.uppercase"), endpoint("shop"));
  await restarted;
});
