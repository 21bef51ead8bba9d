import { DatabaseSync } from "node:sqlite";
import { testContext } from "@outrigger/conformance";
import { type LogLevel, type Resolver, silentLogger } from "@outrigger/core";
import { type ResolverSqliteOptions, resolverSqlite } from "@outrigger/resolver-sqlite";
import { expect, type TestContext, test } from "vitest";
import { instance, TestFile } from "./test-file.ts";

const signal = AbortSignal.timeout(120_000);
const orders = { appId: "orders", namespace: "default" };
const columns = "registration_id, address, app_id, namespace, last_update";

interface Bench {
  readonly resolver: Resolver;
  /** A connection of somebody else. */
  readonly other: DatabaseSync;
  readonly logged: readonly string[];
  rowsOf(appId: string): readonly unknown[];
  insert(id: string, address: string, appId: string, ageSeconds: number): void;
}

/** A started resolver on a file of its own, until the test has finished. */
async function bench(
  { onTestFinished }: TestContext,
  options: Partial<ResolverSqliteOptions> = {},
): Promise<Bench> {
  const file = new TestFile();
  const logged: string[] = [];
  const log = {
    ...silentLogger,
    log: (level: LogLevel, text: string) => void logged.push(`${level} ${text}`),
  };
  const resolver = resolverSqlite({
    path: file.path,
    updateIntervalMs: 2_000,
    freshMs: 0,
    ...options,
  })(testContext({ log }));
  await resolver.start?.(signal);
  const other = new DatabaseSync(file.path);
  onTestFinished(async () => {
    await resolver.stop?.();
    other.close();
    file.remove();
  });
  return {
    resolver,
    other,
    logged,
    rowsOf: (appId) => other.prepare(`SELECT ${columns} FROM hosts WHERE app_id = ?`).all(appId),
    insert(id, address, appId, ageSeconds) {
      other
        .prepare(`REPLACE INTO hosts (${columns}) VALUES (?, ?, ?, '', unixepoch() - ?)`)
        .run(id, address, appId, ageSeconds);
    },
  };
}

test.concurrent("makes Dapr's schema in a write-ahead log, and writes the namespace", async (context) => {
  const { resolver, other, rowsOf } = await bench(context);
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

test.concurrent("serves this process alone from memory, and warns", async (context) => {
  const { resolver, logged } = await bench(context, { path: ":memory:" });
  await resolver.announce?.(instance("orders", 1_001), signal);
  expect(await resolver.resolve(orders, signal)).toHaveLength(1);
  expect(logged.filter((line) => line.startsWith("warn "))).toEqual([
    "warn Configuring name resolution with an in-memory SQLite database. Service invocation across different apps will not work.",
  ]);
});

test.concurrent("keeps a rollback journal, and other names of the tables, when told to", async (context) => {
  const { other } = await bench(context, {
    disableWal: true,
    tableName: "peers",
    metadataTableName: "facts",
  });
  expect(other.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
  expect(other.prepare("SELECT value FROM facts WHERE key = 'nr-migrations'").get()).toEqual({
    value: "1",
  });
  expect(other.prepare("SELECT count(*) AS n FROM peers").get()).toEqual({ n: 0 });
});

test.concurrent("registers again when its registration is gone, and says so", async (context) => {
  const { resolver, other, logged, rowsOf } = await bench(context);
  await resolver.announce?.(instance("orders", 1_001), signal);
  other.exec("DELETE FROM hosts");
  await context.expect.poll(() => rowsOf("orders").length, { timeout: 4_000 }).toBe(1);
  expect(logged.filter((line) => line.includes("was lost and is made again"))).toHaveLength(1);
});

test.concurrent("registers again when the tables are gone", async (context) => {
  const { resolver, other, rowsOf } = await bench(context);
  await resolver.announce?.(instance("orders", 1_001), signal);
  other.exec("DROP TABLE hosts; DELETE FROM metadata");
  const rows = () => {
    try {
      return rowsOf("orders").length;
    } catch {
      return 0;
    }
  };
  await context.expect.poll(rows, { timeout: 6_000 }).toBe(1);
});

test.concurrent("leaves its address to a live sidecar that took it, and takes it back when that is gone", async (context) => {
  const { resolver, logged, rowsOf, insert } = await bench(context);
  await resolver.announce?.(instance("orders", 1_001), signal);
  insert("a-dapr-sidecar", "127.0.0.1:1001", "billing", 0);
  const renewed = setInterval(() => insert("a-dapr-sidecar", "127.0.0.1:1001", "billing", 0), 500);
  const complaints = () => logged.filter((line) => line.includes("another sidecar registered"));
  try {
    await context.expect.poll(() => complaints().length, { timeout: 4_000 }).toBe(1);
    expect(rowsOf("billing")).toMatchObject([{ registration_id: "a-dapr-sidecar" }]);
  } finally {
    clearInterval(renewed);
  }
  await context.expect.poll(() => rowsOf("orders").length, { timeout: 6_000 }).toBe(1);
  expect(complaints()).toHaveLength(1);
});

test.concurrent("removes the dead one life after it saw them dead, never the live", async (context) => {
  const { resolver, other, rowsOf, insert } = await bench(context, { cleanupIntervalMs: 1_000 });
  await resolver.announce?.(instance("orders", 1_001), signal);
  const longAgo = "2000-01-01 00:00:00";
  other.prepare("UPDATE metadata SET value = ? WHERE key = 'nr-last-cleanup'").run(longAgo);
  insert("dead", "127.0.0.1:2001", "crashed", 3_600);
  // Its machine slept for an hour, and it has not renewed yet.
  insert("sleeper", "127.0.0.1:2002", "sleeper", 3_600);
  const cleanedAt = () =>
    other.prepare("SELECT value FROM metadata WHERE key = 'nr-last-cleanup'").get()?.value;
  await context.expect.poll(cleanedAt, { timeout: 4_000 }).not.toBe(longAgo);
  const renewal = other.prepare(
    "UPDATE hosts SET last_update = unixepoch() WHERE registration_id = 'sleeper'",
  );
  expect(renewal.run().changes, "Dapr exits when it is 0").toBe(1);
  await context.expect.poll(() => rowsOf("crashed").length, { timeout: 6_000 }).toBe(0);
  expect(rowsOf("sleeper")).toHaveLength(1);
  expect(rowsOf("orders")).toHaveLength(1);
});

test.concurrent("reads while another process holds the write lock, and writes when it is free", async (context) => {
  const { resolver, other, rowsOf } = await bench(context);
  await resolver.announce?.(instance("orders", 1_001), signal);
  other.exec("BEGIN IMMEDIATE");
  expect(await resolver.resolve(orders, signal)).toHaveLength(1);

  let slowestMs = 0;
  let turns = 0;
  let last = performance.now();
  const ticks = setInterval(() => {
    turns += 1;
    slowestMs = Math.max(slowestMs, performance.now() - last);
    last = performance.now();
  }, 5);
  const announced = resolver.announce?.(instance("billing", 1_002), signal);
  // The lock is held until the event loop has turned a good while beside the attempt.
  await context.expect.poll(() => turns, { timeout: 5_000 }).toBeGreaterThan(100);
  other.exec("COMMIT");
  await announced;
  clearInterval(ticks);
  expect(rowsOf("billing")).toHaveLength(1);
  expect(slowestMs, "the event loop stood still").toBeLessThan(400);
});

test.concurrent("registers nothing when it is withdrawn while it waits for the lock", async (context) => {
  const { resolver, other, rowsOf } = await bench(context);
  other.exec("BEGIN IMMEDIATE");
  const announced = resolver.announce?.(instance("orders", 1_001), signal);
  const refused = expect(announced).rejects.toMatchObject({ code: "OTR_STOPPED" });
  const withdrawn = resolver.withdraw?.();
  other.exec("COMMIT");
  await Promise.all([refused, withdrawn]);
  expect(rowsOf("orders")).toHaveLength(0);
});

test.concurrent("gives up on a file that stays locked, in time", async (context) => {
  const { resolver, other } = await bench(context, { busyTimeoutMs: 100 });
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
