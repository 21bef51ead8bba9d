import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { testContext } from "@outrigger/conformance";
import type { LogLevel, Resolver } from "@outrigger/core";
import { type ResolverSqliteOptions, resolverSqlite } from "@outrigger/resolver-sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { instance, TestFile } from "./test-file.ts";

const signal = AbortSignal.timeout(120_000);
const orders = { appId: "orders", namespace: "default" };
const columns = "registration_id, address, app_id, namespace, last_update";

let file: TestFile;
let other: DatabaseSync;
let logged: string[];
const resolvers: Resolver[] = [];

beforeEach(() => {
  file = new TestFile();
  logged = [];
});

afterEach(async () => {
  await Promise.all(resolvers.splice(0).map((resolver) => resolver.stop?.()));
  if (other?.isOpen) other.close();
  file.remove();
});

async function started(options: Partial<ResolverSqliteOptions> = {}): Promise<Resolver> {
  const log = {
    isEnabled: () => true,
    log: (level: LogLevel, text: string) => void logged.push(`${level} ${text}`),
  };
  const resolver = resolverSqlite({
    path: file.path,
    updateIntervalMs: 2_000,
    freshMs: 0,
    ...options,
  })(testContext({ log: { ...testContext().log, ...log } }));
  resolvers.push(resolver);
  await resolver.start?.(signal);
  other = new DatabaseSync(file.path);
  return resolver;
}

const rowsOf = (appId: string) =>
  other.prepare(`SELECT ${columns} FROM hosts WHERE app_id = ?`).all(appId);

const insert = (id: string, address: string, appId: string, ageSeconds: number) =>
  other
    .prepare(`REPLACE INTO hosts (${columns}) VALUES (?, ?, ?, '', unixepoch() - ?)`)
    .run(id, address, appId, ageSeconds);

test("makes Dapr's schema in a write-ahead log, and writes the namespace", async () => {
  const resolver = await started();
  await resolver.announce?.(instance("orders", 1_001), signal);
  expect(other.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  const names = other.prepare("SELECT name FROM sqlite_master WHERE sql IS NOT NULL").all();
  expect(names.map(({ name }) => name)).toEqual([
    "metadata",
    "hosts",
    "hosts_address_idx",
    "hosts_last_update_idx",
  ]);
  expect(rowsOf("orders")).toMatchObject([{ address: "127.0.0.1:1001", namespace: "default" }]);
});

test("serves this process alone from memory, and warns", async () => {
  const resolver = await started({ path: ":memory:" });
  await resolver.announce?.(instance("orders", 1_001), signal);
  expect(await resolver.resolve(orders, signal)).toHaveLength(1);
  expect(logged.filter((line) => line.startsWith("warn "))).toEqual([
    "warn Configuring name resolution with an in-memory SQLite database. Service invocation across different apps will not work.",
  ]);
});

test("keeps a rollback journal, and other names of the tables, when told to", async () => {
  await started({ disableWal: true, tableName: "peers", metadataTableName: "facts" });
  expect(other.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
  expect(other.prepare("SELECT value FROM facts WHERE key = 'nr-migrations'").get()).toEqual({
    value: "1",
  });
  expect(other.prepare("SELECT count(*) AS n FROM peers").get()).toEqual({ n: 0 });
});

test("registers again when its registration is gone, and says so", async () => {
  const resolver = await started();
  await resolver.announce?.(instance("orders", 1_001), signal);
  other.exec("DELETE FROM hosts");
  await expect.poll(() => rowsOf("orders").length, { timeout: 4_000 }).toBe(1);
  expect(logged.filter((line) => line.includes("was lost and is made again"))).toHaveLength(1);
});

test("registers again when the tables are gone", async () => {
  const resolver = await started();
  await resolver.announce?.(instance("orders", 1_001), signal);
  other.exec("DROP TABLE hosts; DELETE FROM metadata");
  const rows = () => {
    try {
      return rowsOf("orders").length;
    } catch {
      return 0;
    }
  };
  await expect.poll(rows, { timeout: 6_000 }).toBe(1);
});

test("leaves its address to a live sidecar that took it, and takes it back when that is gone", async () => {
  const resolver = await started();
  await resolver.announce?.(instance("orders", 1_001), signal);
  insert("a-dapr-sidecar", "127.0.0.1:1001", "billing", 0);
  const renewed = setInterval(() => insert("a-dapr-sidecar", "127.0.0.1:1001", "billing", 0), 500);
  const complaints = () => logged.filter((line) => line.includes("another sidecar registered"));
  try {
    await expect.poll(() => complaints().length, { timeout: 4_000 }).toBe(1);
    expect(rowsOf("billing")).toMatchObject([{ registration_id: "a-dapr-sidecar" }]);
  } finally {
    clearInterval(renewed);
  }
  await expect.poll(() => rowsOf("orders").length, { timeout: 6_000 }).toBe(1);
  expect(complaints()).toHaveLength(1);
});

test("removes the dead one life after it saw them dead, never the live", async () => {
  const resolver = await started({ cleanupIntervalMs: 1_000 });
  await resolver.announce?.(instance("orders", 1_001), signal);
  insert("dead", "127.0.0.1:2001", "crashed", 3_600);
  // Its machine slept for an hour, and it has not renewed yet.
  insert("sleeper", "127.0.0.1:2002", "sleeper", 3_600);
  await sleep(1_500);
  insert("sleeper", "127.0.0.1:2002", "sleeper", 0);
  await expect.poll(() => rowsOf("crashed").length, { timeout: 6_000 }).toBe(0);
  expect(rowsOf("sleeper")).toHaveLength(1);
  expect(rowsOf("orders")).toHaveLength(1);
});

test("reads while another process holds the write lock, and writes when it is free", async () => {
  const resolver = await started();
  await resolver.announce?.(instance("orders", 1_001), signal);
  other.exec("BEGIN IMMEDIATE");
  expect(await resolver.resolve(orders, signal)).toHaveLength(1);

  let slowestMs = 0;
  let last = performance.now();
  const ticks = setInterval(() => {
    slowestMs = Math.max(slowestMs, performance.now() - last);
    last = performance.now();
  }, 5);
  const announced = resolver.announce?.(instance("billing", 1_002), signal);
  await sleep(300);
  other.exec("COMMIT");
  await announced;
  clearInterval(ticks);
  expect(rowsOf("billing")).toHaveLength(1);
  expect(slowestMs, "the event loop stood still").toBeLessThan(150);
});

test("registers nothing when it is withdrawn while it waits for the lock", async () => {
  const resolver = await started();
  other.exec("BEGIN IMMEDIATE");
  const announced = resolver.announce?.(instance("orders", 1_001), signal);
  const refused = expect(announced).rejects.toMatchObject({ code: "OTR_STOPPED" });
  const withdrawn = resolver.withdraw?.();
  other.exec("COMMIT");
  await Promise.all([refused, withdrawn]);
  expect(rowsOf("orders")).toHaveLength(0);
});

test("gives up on a file that stays locked, in time", async () => {
  const resolver = await started({ busyTimeoutMs: 100 });
  other.exec("BEGIN IMMEDIATE");
  const begin = performance.now();
  await expect(resolver.announce?.(instance("orders", 1_001), signal)).rejects.toMatchObject({
    code: "OTR_RESOLVE_FAILED",
    message: "failed to register host: database is locked",
  });
  expect(performance.now() - begin).toBeLessThan(1_000);
  other.exec("COMMIT");
  await resolver.announce?.(instance("orders", 1_001), signal);
});
