import { renameSync, rmSync, writeFileSync } from "node:fs";
import { testContext } from "@outrigger/conformance";
import { type Resolver, silentLogger } from "@outrigger/core";
import { resolverSqlite } from "@outrigger/resolver-sqlite";
import { afterEach, expect, test } from "vitest";
import { instance, TestFile } from "./test-file.ts";

const signal = AbortSignal.timeout(60_000);
const file = new TestFile();
const resolvers: Resolver[] = [];

afterEach(async () => {
  await Promise.all(resolvers.splice(0).map((resolver) => resolver.stop?.()));
  file.remove();
});

async function started(logged: string[]): Promise<Resolver> {
  const log = {
    ...silentLogger,
    log: (level: string, text: string) => void logged.push(`${level} ${text}`),
  };
  const resolver = resolverSqlite({ path: file.path, updateIntervalMs: 2_000, freshMs: 0 })(
    testContext({ log }),
  );
  resolvers.push(resolver);
  await resolver.start?.(signal);
  return resolver;
}

test("calls go on from the last known endpoints while the file is away, and it says so once", async () => {
  const logged: string[] = [];
  const owner = await started([]);
  await owner.announce?.(instance("orders", 1_001), signal);
  const resolver = await started(logged);
  const orders = { appId: "orders", namespace: "default" };
  const known = await resolver.resolve(orders, signal);

  renameSync(file.folder, `${file.folder}-away`);
  // A file where the folder was: nothing can be made there.
  writeFileSync(file.folder, "");
  for (let round = 0; round < 10; round++) {
    expect(await resolver.resolve(orders, signal)).toEqual(known);
  }
  await expect(
    resolver.resolve({ appId: "nobody", namespace: "default" }, signal),
  ).rejects.toMatchObject({ code: "OTR_RESOLVE_FAILED" });
  const told = () => logged.filter((line) => line.includes("last known endpoints"));
  expect(told()).toHaveLength(1);

  rmSync(file.folder);
  renameSync(`${file.folder}-away`, file.folder);
  await expect
    .poll(
      async () => {
        await resolver.resolve(orders, signal);
        return logged.filter((line) => line.includes("answers again")).length;
      },
      { timeout: 5_000 },
    )
    .toBe(1);
  expect(await resolver.resolve(orders, signal)).toEqual(known);
});
