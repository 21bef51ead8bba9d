import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PeerProcess } from "./peer-process.ts";
import { instanceOf, RegistryFolder } from "./registry-folder.ts";

const { signal } = new AbortController();
const linux = process.platform === "linux";
let registry: RegistryFolder;
beforeEach(() => {
  registry = new RegistryFolder();
});
afterEach(() => registry.remove());

/** The content of the only file, with some fields changed. */
function entryLike(overrides: Readonly<Record<string, unknown>>): string {
  const [file = ""] = registry.files;
  const entry = JSON.parse(readFileSync(join(registry.scope, file), "utf8"));
  return JSON.stringify({ ...entry, ...overrides });
}

test("folders are for the user alone, files too", async () => {
  await registry.announce("orders", 1);

  for (const folder of [registry.folder, registry.scope]) {
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  }
  expect(statSync(join(registry.scope, registry.files[0] ?? "")).mode & 0o777).toBe(0o600);
});

test("a folder that others can write to is closed to them", async () => {
  mkdirSync(registry.folder);
  chmodSync(registry.folder, 0o777);

  await registry.announce("orders", 1);

  expect(statSync(registry.folder).mode & 0o777).toBe(0o700);
});

test("a folder that is a link is refused", async () => {
  mkdirSync(join(registry.root, "elsewhere"));
  symlinkSync(join(registry.root, "elsewhere"), registry.folder);

  await expect(registry.start()).rejects.toMatchObject({
    code: "OTR_RESOLVE_FAILED",
    message: expect.stringContaining("it is no folder"),
  });
});

test.runIf(process.getuid?.() === 0)("a folder of another user is refused", async () => {
  mkdirSync(registry.folder);
  execFileSync("chown", ["65534", registry.folder]);

  await expect(registry.start()).rejects.toThrow("it belongs to user 65534");
});

test("what others put there is ignored, with one line each", async () => {
  const resolver = await registry.announce("orders", 1);
  const good = entryLike({ port: 2 });
  const [noPort, noHost, notOurs] = [
    entryLike({ port: 70_000 }),
    entryLike({ host: "evil host" }),
    entryLike({ appId: "billing" }),
  ];
  registry.write("orders", "00000001", "{");
  registry.write("orders", "00000002", `${good}${" ".repeat(100_000)}`);
  registry.write("orders", "00000003", noPort);
  registry.write("orders", "00000004", noHost);
  registry.write("orders", "00000005", notOurs);
  registry.write("orders", "00000006", "[]");
  writeFileSync(join(registry.root, "good"), good);
  symlinkSync(join(registry.root, "good"), registry.pathFor("orders", "00000007"));
  mkdirSync(registry.pathFor("orders", "00000008"));
  execFileSync("mkfifo", [registry.pathFor("orders", "00000009")]);

  expect(await registry.portsOf(resolver, "orders")).toEqual([1]);
  expect(await registry.portsOf(resolver, "orders")).toEqual([1]);

  const ignored = registry.log.filter((line) => line.startsWith("warn: local registry: ignored"));
  expect(ignored).toHaveLength(9);
  expect(ignored.join()).toMatch(/no JSON.*has 100\d{3} bytes|has 100\d{3} bytes.*no JSON/);
  expect(ignored.join()).toContain("it is a symbolic link");
  expect(ignored.join()).toContain("it is no regular file");
  expect(ignored.join()).toContain("its name does not belong to its app id");
});

test.runIf(process.getuid?.() === 0)("a file of another user is ignored", async () => {
  const resolver = await registry.announce("orders", 1);
  const path = registry.write("orders", "00000001", entryLike({ port: 2 }));
  execFileSync("chown", ["65534", path]);

  expect(await registry.portsOf(resolver, "orders")).toEqual([1]);
  expect(registry.log.join()).toContain("it belongs to user 65534");
});

test("no more files are looked at than allowed", async () => {
  await registry.announce("orders", 1);
  for (let index = 0; index < 30; index++) registry.write(`app${index}`, "00000001", "{}");
  const resolver = await registry.start({ maxFiles: 10 });

  await registry.portsOf(resolver, "nobody");

  expect(registry.log.join()).toContain("more than 10 files");
});

test.runIf(linux)(
  "the file of a process that has ended is removed, also when its pid is in use",
  async () => {
    const resolver = await registry.announce("orders", 1);
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    const ended = registry.write("orders", "00000001", entryLike({ port: 2, pid: child.pid }));
    const reused = registry.write("orders", "00000002", entryLike({ port: 3, startTicks: "1" }));

    expect(await registry.portsOf(resolver, "orders")).toEqual([1]);
    expect([existsSync(ended), existsSync(reused)]).toEqual([false, false]);
  },
);

test.runIf(linux)("a process of another container counts by its heartbeat", async () => {
  const resolver = await registry.start({ freshMs: 0, heartbeatMs: 20, lifetimeMs: 300 });
  await resolver.announce?.(instanceOf("orders", 1), signal);
  const foreign = entryLike({ port: 2, pid: 1, startTicks: "1", pidNamespace: "pid:[1]" });
  const path = registry.write("orders", "00000001", foreign);
  const old = registry.write("orders", "00000002", foreign);
  const hourAgo = new Date(Date.now() - 3_600_000);
  utimesSync(old, hourAgo, hourAgo);

  expect(await registry.portsOf(resolver, "orders")).toEqual([1, 2]);
  expect(existsSync(old)).toBe(false);
  await vi.waitFor(async () => expect(await registry.portsOf(resolver, "orders")).toEqual([1]), {
    timeout: 5_000,
  });
  expect(existsSync(path)).toBe(false);
});

test.runIf(linux)("what was left before the last boot goes when a sidecar starts", async () => {
  const before = join(registry.folder, "net-1-00000000000000aa");
  mkdirSync(before, { recursive: true });
  writeFileSync(join(before, "x.json"), "{}");

  await registry.announce("orders", 1);

  await vi.waitFor(() => expect(existsSync(before)).toBe(false), { timeout: 5_000 });
});

const unshares = linux && spawnSync("unshare", ["--net", "--pid", "--fork", "true"]).status === 0;

test.runIf(unshares)("a container with a network of its own does not meet the others", async () => {
  const resolver = await registry.announce("orders", 1);
  const peer = await PeerProcess.start(registry.folder, instanceOf("orders", 2), [
    "unshare",
    "--net",
  ]);

  expect(await registry.portsOf(resolver, "orders")).toEqual([1]);
  expect(readdirSync(registry.folder)).toHaveLength(2);
  await peer.crash();
});

test.runIf(unshares)("a container that shares the network is found", async () => {
  const resolver = await registry.announce("orders", 1);
  const peer = await PeerProcess.start(registry.folder, instanceOf("orders", 2), [
    ...["unshare", "--pid", "--fork", "--mount-proc"],
  ]);

  expect(await registry.portsOf(resolver, "orders")).toEqual([1, 2]);
  await peer.stop();
  expect(await registry.portsOf(resolver, "orders")).toEqual([1]);
});

test("half-written files are never seen", async () => {
  const resolver = await registry.announce("orders", 1);
  writeFileSync(`${registry.pathFor("orders", "00000001")}.aaaa.tmp`, '{"version":1');

  expect(await registry.portsOf(resolver, "orders")).toEqual([1]);
  expect(registry.log.filter((line) => line.startsWith("warn"))).toEqual([]);
});

test("calls go on while the folder cannot be read, and the log tells once", async () => {
  const resolver = await registry.announce("orders", 1);
  expect(await registry.portsOf(resolver, "orders")).toEqual([1]);
  const aside = join(registry.root, "aside");
  execFileSync("mv", [registry.folder, aside]);
  writeFileSync(registry.folder, "");

  expect(await registry.portsOf(resolver, "orders")).toEqual([1]);
  expect(await registry.portsOf(resolver, "orders")).toEqual([1]);

  rmSync(registry.folder);
  execFileSync("mv", [aside, registry.folder]);
  const lines = registry.log.filter((line) => line.includes("go on with the last known"));
  expect(lines).toHaveLength(1);
});

test("two resolvers that start at the same moment both find each other", async () => {
  const [one, two] = await Promise.all([
    registry.announce("orders", 1),
    registry.announce("orders", 2),
  ]);

  expect(await registry.portsOf(one, "orders")).toEqual([1, 2]);
  expect(await registry.portsOf(two, "orders")).toEqual([1, 2]);
});

test("an announcement that is abandoned leaves nothing", async () => {
  const resolver = await registry.start();
  const leaving = new AbortController();
  const announcing = resolver.announce?.(instanceOf("orders", 1), leaving.signal);
  leaving.abort(new Error("gone"));

  await expect(announcing).rejects.toThrow();
  await resolver.announce?.(instanceOf("orders", 2), signal);
  expect(await registry.portsOf(resolver, "orders")).toEqual([2]);
  expect(registry.files).toHaveLength(1);
});
