import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ResolverSubject, resolverFixture, testContext } from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import { resolverSqlite } from "@outrigger/resolver-sqlite";
import { DaprWriter } from "./dapr-writer.ts";
import { fileBackend } from "./file-backend.ts";

const signal = AbortSignal.timeout(600_000);

resolverConformance({
  name: "@outrigger/resolver-sqlite",
  setup: async () => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-sqlite-"));
    const path = join(folder, "hosts.db");
    let wallClockShiftMs = 0;
    const options = { path, updateIntervalMs: 2_000, freshMs: 100, retryAfterMs: 300 };
    const create = () =>
      resolverSqlite(options)(testContext({ now: () => Date.now() + wallClockShiftMs }));

    const others = create();
    await others.start?.(signal);
    await Promise.all(resolverFixture.map((instance) => others.announce?.(instance, signal)));
    const resolver = create();
    await resolver.start?.(signal);
    const dapr = new DaprWriter(path, 1_000);

    const subject: ResolverSubject = {
      resolver,
      create,
      peers: dapr,
      backend: fileBackend(path, () => dapr.reopen()),
      createUnreachable: () =>
        resolverSqlite({ path: join(folder, "none", "hosts.db") })(testContext()),
      jumpClock: (byMs) => {
        wallClockShiftMs += byMs;
      },
      malformedConfigurations: [
        () => resolverSqlite({ path: "" }),
        () => resolverSqlite({ path, tableName: "hosts; --" }),
        () => resolverSqlite({ path, updateIntervalMs: 1_500 }),
        () => resolverSqlite({ path, updateIntervalMs: 2_000, timeoutMs: 1_500 }),
        () => resolverSqlite({ path, freshMs: 5_000 }),
      ],
    };
    const teardown = async () => {
      await Promise.all([resolver.stop?.(), others.stop?.()]);
      dapr.close();
      rmSync(folder, { recursive: true, force: true });
    };
    return { subject, teardown };
  },
});
