import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { findServer, serversOrSkip } from "@outrigger/test-servers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { catalogue, moduleFolder, serverNames } from "../servers/src/catalogue.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "outrigger-servers-"));
  vi.stubEnv("PATH", [join(folder, "none"), folder].join(delimiter));
  vi.stubEnv("OUTRIGGER_CACHE", join(folder, "cache"));
  for (const name of ["CONSUL", "ETCD", "DAPR_DAPRD"]) vi.stubEnv(`OUTRIGGER_${name}`, "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function place(path: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "");
  chmodSync(file, 0o755);
  return file;
}

test("a server is the one that a variable names, before one on the PATH", () => {
  const onPath = place("consul");
  expect(findServer("consul")).toBe(onPath);
  const named = place("mine/other");
  vi.stubEnv("OUTRIGGER_CONSUL", named);
  expect(findServer("consul")).toBe(named);
});

test("a variable that names nothing is an error, no reason to look further", () => {
  place("consul");
  vi.stubEnv("OUTRIGGER_CONSUL", join(folder, "gone"));
  expect(() => findServer("consul")).toThrow("OUTRIGGER_CONSUL names");
});

test("a daprd on the PATH may be ours, and does not count as Dapr's", () => {
  place("daprd");
  expect(findServer("daprd")).toBeUndefined();
});

test("what is missing is said, and is an error where everything must run", () => {
  vi.stubEnv("CI", "");
  const print = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  place("etcd");
  expect(serversOrSkip("etcd")).toEqual({ etcd: join(folder, "etcd") });
  expect(print).not.toHaveBeenCalled();
  expect(serversOrSkip("etcd", "consul")).toBeUndefined();
  expect(print).toHaveBeenCalledWith(
    "SKIPPED: no consul on this machine: npm run servers consul, or set OUTRIGGER_CONSUL\n",
  );
  vi.stubEnv("CI", "true");
  expect(() => serversOrSkip("etcd", "consul")).toThrow("no consul on this machine");
});

test.for(serverNames.filter((name) => catalogue[name].build !== undefined))(
  "the version of %s is the one that its Go module pins",
  (name) => {
    const module = readFileSync(join(moduleFolder(name), "go.mod"), "utf8");
    const pinned =
      /\b(?:hashicorp\/consul|k8s\.io\/kubernetes|dapr\/dapr) v(\S+)(?: \/\/ indirect)?$/m;
    expect(pinned.exec(module)?.[1]).toBe(catalogue[name].build?.version);
  },
);
