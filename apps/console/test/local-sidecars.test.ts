import { chmodSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localSidecar, localSidecars } from "@outrigger/console/local-sidecars";
import { silentLogger } from "@outrigger/core";
import { afterEach, beforeEach, expect, test } from "vitest";

const card = { appId: "orders", namespace: "default", host: "127.0.0.1", httpPort: 3_500 };
const signal = new AbortController().signal;
let parent: string;
let folder: string;
let env: { OUTRIGGER_SIDECARS_FOLDER: string };

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "outrigger-cards-"));
  folder = join(parent, "cards");
  env = { OUTRIGGER_SIDECARS_FOLDER: folder };
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

test("a sidecar is found while it runs", async () => {
  const component = localSidecar(card, env, silentLogger);
  expect(await localSidecars(env)).toEqual([]);
  await component.start?.(signal);
  expect(await localSidecars(env)).toMatchObject([card]);
  await component.stop?.();
  await component.stop?.();
  expect(readdirSync(folder)).toEqual([]);
});

test("cards of those that crashed are passed over, and swept by the next one", async () => {
  const component = localSidecar(card, env, silentLogger);
  await component.start?.(signal);
  writeFileSync(join(folder, "2147483646-1.json"), JSON.stringify({ version: 1, ...card }));
  writeFileSync(join(folder, `${process.pid}-1.json`), "{");
  writeFileSync(join(folder, "notes.txt"), "mine");
  expect(await localSidecars(env)).toHaveLength(1);
  await localSidecar({ ...card, httpPort: 2 }, env, silentLogger).start?.(signal);
  expect(readdirSync(folder)).not.toContain("2147483646-1.json");
  expect(readdirSync(folder)).toContain("notes.txt");
});

test.skipIf(process.platform === "win32")(
  "a folder that others can write to is not used",
  async () => {
    const component = localSidecar(card, env, silentLogger);
    await component.start?.(signal);
    chmodSync(folder, 0o777);
    expect(await localSidecars(env)).toEqual([]);
    const other = join(parent, "link");
    chmodSync(folder, 0o700);
    symlinkSync(folder, other);
    expect(await localSidecars({ OUTRIGGER_SIDECARS_FOLDER: other })).toEqual([]);
  },
);

test("a sidecar starts where no card can be written", async () => {
  writeFileSync(folder, "a file");
  const component = localSidecar(card, env, silentLogger);
  await component.start?.(signal);
  await component.stop?.();
});
