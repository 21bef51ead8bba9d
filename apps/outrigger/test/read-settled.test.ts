import { loadConfiguration, loadResources } from "@outrigger/resources";
import { expect, test } from "vitest";
import { areBeingWritten } from "../src/sidecar/being-written.ts";
import { KnownResources } from "../src/sidecar/known-resources.ts";
import type { Reading } from "../src/sidecar/read-resources.ts";
import { readSettled } from "../src/sidecar/read-settled.ts";
import { ResourceFolder } from "./e2e/resource-folder.ts";

/** A reading that can be told from others by its notice. */
async function reading(text: string, harmless = true): Promise<Reading> {
  const { configuration } = await loadConfiguration([]);
  const loaded = await loadResources([], { appId: "caller" });
  const notices = [{ level: "warn" as const, scope: "test", message: text, harmless }];
  return { resources: { configuration, loaded: { ...loaded, notices } }, warnings: [] };
}

/** Reads one after the other; the last one again and again. */
function readings(...texts: readonly string[]) {
  let count = 0;
  const read = async (): Promise<Reading> => {
    const text = texts[Math.min(count, texts.length - 1)] ?? "";
    count += 1;
    if (text.startsWith("!")) throw new Error(text);
    return reading(text);
  };
  return { read, count: () => count };
}

const { signal } = new AbortController();

test("what is written at the moment is not taken for what will be there", async () => {
  const { read, count } = readings("half", "!no file", "whole");
  const settled = await readSettled({ read, isInUse: () => false, signal });
  expect(settled).toEqual(await reading("whole"));
  expect(count()).toBe(4);
});

test("what cannot be read for long is a problem", async () => {
  const { read } = readings("!no file");
  expect(await readSettled({ read, isInUse: () => false, signal })).toEqual({
    problem: "!no file",
  });
});

test("what is in use needs no second look", async () => {
  const known = new KnownResources();
  known.accept((await reading("same")).resources);
  const { read, count } = readings("same", "other");
  const isInUse = (resources: Reading["resources"]): boolean => known.isGood(resources);
  await readSettled({ read, isInUse, signal });
  expect(count()).toBe(1);
});

test("files that never rest are taken in the end, and nobody waits after the end", async () => {
  const restless = readings(...Array.from({ length: 30 }, (_, index) => `${index}`));
  await readSettled({ read: restless.read, isInUse: () => false, signal });
  expect(restless.count()).toBe(20);
  const ended = readings("one", "two");
  await readSettled({ read: ended.read, isInUse: () => false, signal: AbortSignal.abort() });
  expect(ended.count()).toBe(1);
});

test("files that failed are known until others are in use; an offer is taken once", async () => {
  const known = new KnownResources();
  const [good, bad, lossy] = [
    await reading("good"),
    await reading("bad"),
    await reading("x", false),
  ];
  known.accept(good.resources);
  known.reject(bad.resources);
  expect(known.isRejected((await reading("bad")).resources)).toBe(true);
  expect(known.isRejected(good.resources)).toBe(false);
  expect(known.problemOf(bad.resources)).toBeUndefined();
  expect(known.problemOf(lossy.resources)).toBe("x");
  known.accept(good.resources);
  expect(known.isRejected(bad.resources)).toBe(false);
  known.offer(bad);
  expect(known.takeOffer()).toBe(bad);
  expect(known.takeOffer()).toBeUndefined();
});

test("what is the same twice, while it was being written, is read again", async () => {
  const { read, count } = readings("empty", "empty", "empty", "whole");
  const isMoving = async (): Promise<boolean> => count() < 5;
  const settled = await readSettled({ read, isInUse: () => false, isMoving, signal });
  expect(settled).toEqual(await reading("whole"));
  const always = { read, isInUse: () => false, isMoving: async () => true, signal };
  expect(await readSettled(always)).toEqual({ problem: "files are being written" });
});

test("a file is being written when it changed since it was read, or was emptied just now", async () => {
  const folder = new ResourceFolder();
  try {
    const options = { appId: "a", configFiles: [], resourcesPaths: [folder.path] };
    folder.write("a.yaml", "text");
    const now = Date.now();
    expect(await areBeingWritten(options, now - 1_000)).toBe(true);
    expect(await areBeingWritten(options, now + 100)).toBe(false);
    folder.write("a.yaml");
    expect(await areBeingWritten(options, now + 100)).toBe(true);
    expect(await areBeingWritten(options, now + 10_000)).toBe(false);
    folder.delete("a.yaml");
    folder.write("notes.txt", "text");
    expect(await areBeingWritten(options, now - 1_000)).toBe(false);
  } finally {
    folder.remove();
  }
});
