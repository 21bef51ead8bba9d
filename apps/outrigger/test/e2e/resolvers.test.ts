import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PackageFolder } from "../resolver-packages.ts";
import { freeUdpPort } from "../udp-port.ts";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";

const workspace = join(import.meta.dirname, "../../../..");
const outrigger = join(workspace, "apps/outrigger/bin/outrigger.js");

let mesh: Mesh;
let folder: PackageFolder;
let env: Readonly<Record<string, string>>;
beforeEach(() => {
  mesh = new Mesh();
  folder = new PackageFolder();
  // The registry of this test alone.
  env = { XDG_RUNTIME_DIR: folder.path };
});
afterEach(async () => {
  await mesh.close();
  folder.remove();
});

/** The default resolvers, with mDNS on a port where nobody else is. */
async function deafMdns(): Promise<string> {
  const port = await freeUdpPort();
  return `spec: {nameResolution: {configuration: {interfaces: ["127.0.0.1"], port: ${port}}}}`;
}

async function ordersInstance(name: string, config: string): Promise<SidecarProcess> {
  const app = await mesh.app((_request, response) => response.end(name));
  return mesh.sidecar("orders", { appPort: app.port, config, env });
}

async function callOrders(caller: SidecarProcess): Promise<string> {
  const answer = await call(caller.httpPort, "POST", "/v1.0/invoke/orders/method/x", { body: "b" });
  return answer.status === 200 ? answer.body : `${answer.status} ${answer.body}`;
}

async function resolveCommand(...argv: readonly string[]) {
  const child = spawn(process.execPath, [outrigger, "resolve", ...argv], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [exitCode] = await once(child, "close");
  return { exitCode, stdout, stderr };
}

test("sidecars of one machine find each other where multicast is blocked", async () => {
  await ordersInstance("one", await deafMdns());
  const caller = await mesh.sidecar("checkout", { config: await deafMdns(), env });

  expect(await callOrders(caller)).toBe("one");
});

test("an instance that both know gets its share of calls once", async () => {
  const config = await deafMdns();
  await ordersInstance("one", config);
  await ordersInstance("two", config);
  const caller = await mesh.sidecar("checkout", { config, env });
  const seen = new Set<string>();
  await waitFor(async () => seen.add(await callOrders(caller)).size === 2, "both are known");

  const counts = { one: 0, two: 0 };
  for (let index = 0; index < 40; index++) {
    counts[(await callOrders(caller)) as "one" | "two"] += 1;
  }

  expect(counts).toEqual({ one: 20, two: 20 });
});

test("three instances restart one after the other under load, and no call fails", {
  timeout: 60_000,
}, async () => {
  const config = await deafMdns();
  const names = ["one", "two", "three"];
  const running = await Promise.all(
    names.map(async (name) => ordersInstance(name, await deafMdns())),
  );
  const caller = await mesh.sidecar("checkout", { config, env });
  const seen = new Map<string, number>();
  let done = false;
  const lane = async (): Promise<void> => {
    while (!done) {
      const body = await callOrders(caller);
      seen.set(body, (seen.get(body) ?? 0) + 1);
    }
  };
  const lanes = [lane(), lane(), lane(), lane()];

  for (const [index, sidecar] of running.entries()) {
    await sidecar.end();
    const renewed = `${names[index]}-renewed`;
    await ordersInstance(renewed, await deafMdns());
    await waitFor(async () => seen.has(renewed), `${renewed} gets calls`);
  }
  done = true;
  await Promise.all(lanes);

  const expected = names.flatMap((name) => [name, `${name}-renewed`]);
  expect([...seen.keys()].filter((body) => !expected.includes(body))).toEqual([]);
});

test("a crashed sidecar is forgotten, and the error keeps Dapr's words", async () => {
  const orders = await ordersInstance("one", await deafMdns());
  const caller = await mesh.sidecar("checkout", { config: await deafMdns(), env });
  expect(await callOrders(caller)).toBe("one");

  await orders.end("SIGKILL");

  await waitFor(
    async () => (await callOrders(caller)).includes("err: couldn't find service: orders\"}"),
    "the crashed sidecar is gone",
  );
});

test("a sidecar that ends in order takes its file with it", async () => {
  const orders = await ordersInstance("one", await deafMdns());
  const config = mesh.writeConfig("resolve.yaml", "spec: {nameResolution: {component: local}}");
  expect((await resolveCommand("orders", "--config", config)).exitCode).toBe(0);

  await orders.end();

  const { exitCode, stdout } = await resolveCommand("orders", "--config", config);
  expect(stdout).toContain("couldn't find service: orders");
  expect(exitCode).toBe(1);
});

test("a package that the Configuration names finds apps: no code but its own", async () => {
  const orders = await ordersInstance("one", await deafMdns());
  const example = join(workspace, "tooling/consumer-example");
  const source = readFileSync(join(example, "my-resolver.ts"), "utf8");
  folder.install(
    { name: "my-resolver", exports: "./index.js", peerDependencies: { "@outrigger/core": "*" } },
    { "index.js": stripTypeScriptTypes(source) },
  );
  mkdirSync(join(folder.path, "node_modules/@outrigger"));
  symlinkSync(join(workspace, "packages/core"), join(folder.path, "node_modules/@outrigger/core"));
  const port = Number(/running on 127\.0\.0\.1:(\d+)/.exec(orders.output())?.[1]);
  const list = mesh.writeConfig(
    "apps.json",
    JSON.stringify({ "orders.default": [{ host: "127.0.0.1", port }] }),
  );
  symlinkSync(join(folder.path, "node_modules"), join(dirname(list), "node_modules"));
  const config = readFileSync(join(example, "config.yaml"), "utf8").replace("apps.json", list);

  const caller = await mesh.sidecar("checkout", { config, env });

  expect(caller.output()).toContain("Initialized name resolution to file");
  expect(await callOrders(caller)).toBe("one");
});

test("a resolver that cannot be loaded leaves the sidecar up, and says why", async () => {
  const caller = await mesh.sidecar("checkout", {
    config: 'spec: {nameResolution: {component: "npm:not-installed"}}',
    env,
  });

  expect(caller.output()).toContain("initialization error occurred for nr (npm:not-installed/v1)");
  expect(caller.output()).toContain("npm install not-installed");
  expect(await callOrders(caller)).toContain("name resolver not initialized");
});

test("outrigger resolve shows what each resolver answers, and why one is skipped", async () => {
  await ordersInstance("one", await deafMdns());
  const config = mesh.writeConfig(
    "resolve.yaml",
    `spec:
  nameResolution:
    component:
      - {component: mdns, configuration: {interfaces: ["127.0.0.1"], port: ${await freeUdpPort()}}}
      - local
      - {component: static, configuration: {apps: {orders: ["127.0.0.1:1"]}}}
      - etcd
`,
  );

  const text = await resolveCommand("orders", "--config", config);
  const json = await resolveCommand("orders", "--config", config, "--json");
  const unknown = await resolveCommand("nobody", "--config", config);

  expect(text.stdout).toMatch(/^mdns +not found +\d+\.\d ms {2}couldn't find service: orders$/m);
  expect(text.stdout).toMatch(/^local +found +\d+\.\d ms {2}127\.0\.0\.1:\d+$/m);
  expect(text.stdout).toMatch(/^static +found .* 127\.0\.0\.1:1 \(not used: local comes first\)$/m);
  expect(text.stdout).toMatch(/^etcd +skipped +couldn't find name resolver etcd\/v1$/m);
  expect(text.exitCode).toBe(0);
  const report = JSON.parse(json.stdout);
  expect(report).toMatchObject({ appId: "orders", namespace: "default", found: true });
  expect(report.resolvers.map((one: { outcome: string }) => one.outcome)).toEqual([
    "not-found",
    "found",
    "found",
    "skipped",
  ]);
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stdout).toContain("couldn't find service: nobody");
});

test("outrigger resolve explains its flags, and what is wrong with a command line", async () => {
  const help = await resolveCommand("--help");
  const [none, mode, id, file] = await Promise.all([
    resolveCommand(),
    resolveCommand("orders", "--mode", "vm"),
    resolveCommand("a.b.c"),
    resolveCommand("orders", "--config", "missing.yaml"),
  ]);

  expect(help.exitCode).toBe(0);
  for (const flag of ["--namespace", "--config", "--timeout", "--json"]) {
    expect(help.stdout).toContain(flag);
  }
  for (const wrong of [none, mode, id, file]) expect(wrong.exitCode).toBe(2);
  expect(none.stderr).toContain("exactly one app id is needed");
  expect(mode.stderr).toContain("must be standalone or kubernetes");
  expect(id.stderr).toContain("invalid app id a.b.c");
  expect(file.stderr).toContain("error loading configuration: missing.yaml");
});
