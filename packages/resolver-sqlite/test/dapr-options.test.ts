import { isOutriggerError } from "@outrigger/core";
import { resolverSqlite, sqliteOptionsFromDapr } from "@outrigger/resolver-sqlite";
import { expect, test } from "vitest";

const connectionString = "/tmp/hosts.db";

test("takes Dapr's defaults", () => {
  const options = sqliteOptionsFromDapr({ connectionString });
  expect(options).toEqual({
    path: connectionString,
    tableName: "hosts",
    metadataTableName: "metadata",
    updateIntervalMs: 5_000,
    timeoutMs: 1_000,
    busyTimeoutMs: 800,
    cleanupIntervalMs: 3_600_000,
    disableWal: false,
  });
  expect(() => resolverSqlite(options)).not.toThrow();
});

test("takes keys in any case, aliases, durations and truths as Dapr does", () => {
  const options = sqliteOptionsFromDapr({
    URL: "file:data.db",
    TABLENAME: "h2",
    updateInterval: "1m30s",
    timeoutInSeconds: "2",
    busytimeout: "1.5ms",
    cleanupIntervalInSeconds: "-1",
    disableWAL: "yes",
    somethingElse: { ignored: false },
  });
  expect(options).toMatchObject({
    path: "data.db",
    tableName: "h2",
    updateIntervalMs: 90_000,
    timeoutMs: 2_000,
    busyTimeoutMs: 1,
    cleanupIntervalMs: 0,
    disableWal: true,
  });
});

test("the name of a setting goes before its alias; bare numbers and truths of YAML are taken", () => {
  const options = sqliteOptionsFromDapr({
    connectionString,
    url: "other.db",
    timeout: 3,
    disableWAL: true,
  });
  expect(options).toMatchObject({ path: connectionString, timeoutMs: 3_000, disableWal: true });
});

test.each([
  ["data.db", "data.db"],
  ["file:data.db?_txlock=immediate&_pragma=cache_size(10)", "data.db"],
  ["file:///var/lib/a%20b.db", "/var/lib/a b.db"],
  ["file://localhost/var/a.db", "/var/a.db"],
  [":memory:", ":memory:"],
  ["FILE::memory:?cache=shared", ":memory:"],
  ["file:x?mode=memory", ":memory:"],
  ["file:100%.db", "100%.db"],
])("finds the file of the connection string %s", (given, path) => {
  expect(sqliteOptionsFromDapr({ connectionString: given }).path).toBe(path);
});

test.each<[unknown, string]>([
  [undefined, "missing connection string"],
  [{ connectionString: "" }, "missing connection string"],
  [{ connectionString, tableName: "a-b" }, "invalid identifier for table name: a-b"],
  [{ connectionString, tableName: "" }, "invalid identifier for table name: "],
  [
    { connectionString, metadataTableName: "a b" },
    "invalid identifier for metadata table name: a b",
  ],
  [
    { connectionString, updateInterval: "2500ms" },
    "update interval must not contain fractions of seconds",
  ],
  [
    { connectionString, updateInterval: "3s", timeout: "2001ms" },
    "update interval must be at least 1s greater than timeout",
  ],
  [{ connectionString, timeout: "999ms" }, "invalid value for 'timeout': must be greater than 1s"],
  [{ connectionString, timeout: "soon" }, 'time: invalid duration "soon"'],
  [{ connectionString, Url: "a", URL: "b" }, "duplicate key in the configuration: url"],
  [
    { connectionString: "a.db?_pragma=journal_mode(DELETE)" },
    "found forbidden option '_pragma=journal_mode' in the connection string",
  ],
  [
    { connectionString: "a.db?_pragma=BUSY_TIMEOUT(1)" },
    "found forbidden option '_pragma=busy_timeout' in the connection string",
  ],
  [
    { connectionString: "a.db?mode=ro" },
    "the database cannot be read-only: the sidecar registers itself in it",
  ],
  ["text", "the configuration of the sqlite resolver must be a map"],
])("refuses %j", (configuration, message) => {
  let thrown: unknown;
  try {
    sqliteOptionsFromDapr(configuration);
  } catch (reason) {
    thrown = reason;
  }
  expect(isOutriggerError(thrown, "OTR_OPTIONS_INVALID")).toBe(true);
  expect((thrown as Error).message).toBe(message);
});
