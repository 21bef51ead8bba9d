import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { testContext } from "@outrigger/conformance";
import type { Resolver } from "@outrigger/core";
import { resolverSqlite } from "@outrigger/resolver-sqlite";
import { afterEach, expect, test } from "vitest";
import { instance, TestFile } from "./test-file.ts";

const signal = AbortSignal.timeout(60_000);
const options = { updateIntervalMs: 2_000, freshMs: 0 };

/** Where nothing may be skipped, the test fails without it. */
const hasPython =
  process.env.CI === "true" || spawnSync("python3", ["-c", "import sqlite3"]).status === 0;

let file: TestFile | undefined;
const children: ChildProcess[] = [];
const resolvers: Resolver[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "close");
    }
  }
  await Promise.all(resolvers.splice(0).map((resolver) => resolver.stop?.()));
  file?.remove();
});

async function started(path: string): Promise<Resolver> {
  const resolver = resolverSqlite({ path, ...options })(testContext());
  resolvers.push(resolver);
  await resolver.start?.(signal);
  return resolver;
}

/** Starts a process, and gives its next lines. */
function run(command: string, parameters: readonly string[]) {
  const child = spawn(command, parameters, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  return { child, line };
}

test("two processes find each other through one file, and one notices that the other was killed", async () => {
  file = new TestFile();
  const here = await started(file.path);
  await here.announce?.(instance("here", 1_001), signal);
  const script = join(import.meta.dirname, "other-process.ts");
  const flags = ["--disable-warning=ExperimentalWarning", "--conditions=@outrigger/source"];
  const other = run(process.execPath, [...flags, script, file.path]);
  expect(await other.line()).toBe('[{"host":"127.0.0.1","port":1001,"namespace":"default"}]');

  const there = { appId: "there", namespace: "default" };
  expect(await here.resolve(there, signal)).toMatchObject([{ host: "127.0.0.1", port: 1_002 }]);
  other.child.kill("SIGKILL");
  await once(other.child, "close");
  await expect
    .poll(() => here.resolve(there, signal).catch((reason) => reason.code), { timeout: 5_000 })
    .toBe("OTR_RESOLVE_NOT_FOUND");
  expect(await here.resolve({ appId: "here", namespace: "default" }, signal)).toHaveLength(1);
});

test.skipIf(!hasPython)(
  "shares the file with a process that makes and uses it as Dapr does, with another SQLite",
  async () => {
    file = new TestFile();
    const dapr = run("python3", ["-u", join(import.meta.dirname, "dapr-process.py"), file.path]);
    expect(await dapr.line()).toBe("registered");
    const resolver = await started(file.path);
    // Whatever namespace is asked for: Dapr's registrations name none.
    for (const namespace of ["default", "other"]) {
      expect(await resolver.resolve({ appId: "dapr-app", namespace }, signal)).toEqual([
        { host: "fd00::5", port: 50_002 },
      ]);
    }
    await resolver.announce?.(instance("outrigger-app", 1_003), signal);
    const ask = async (text: string): Promise<string> => {
      dapr.child.stdin?.write(`${text}\n`);
      return dapr.line();
    };
    expect(await ask("resolve outrigger-app")).toBe("127.0.0.1:1003");
    expect(await ask("renew")).toBe("1");
    // It would delete the live registrations instead of the dead ones.
    expect(await ask("cleanup")).toBe("not my turn");
    await resolver.withdraw?.();
    expect(await ask("resolve outrigger-app")).toBe("no host found with the given ID");
    expect(await ask("migrations")).toBe("1");
    expect(await ask("unregister")).toBe("1");
    await expect(
      resolver.resolve({ appId: "dapr-app", namespace: "default" }, signal),
    ).rejects.toMatchObject({ code: "OTR_RESOLVE_NOT_FOUND" });
  },
);
