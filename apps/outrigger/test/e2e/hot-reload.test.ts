import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Load } from "./load.ts";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { endpoint, ResourceFolder, resource } from "./resource-folder.ts";

let mesh: Mesh;
let folder: ResourceFolder;
beforeEach(() => {
  mesh = new Mesh();
  folder = new ResourceFolder();
});
afterEach(async () => {
  await mesh.close();
  folder.remove();
});

function occurrences(sidecar: SidecarProcess, text: string): number {
  return sidecar.output().split(text).length - 1;
}

async function logged(sidecar: SidecarProcess, text: string, times = 1): Promise<void> {
  const what = `"${text}" ${times} times in ${sidecar.appId}'s log`;
  await waitFor(async () => occurrences(sidecar, text) >= times, what).catch((reason: Error) => {
    throw new Error(`${reason.message}: ${sidecar.output()}`);
  });
}

/** Waits until the runtime is ready for the nth time. */
async function life(sidecar: SidecarProcess, times: number): Promise<void> {
  await logged(sidecar, "Status: Running", times);
  expect(sidecar.child.exitCode).toBeNull();
}

async function watching(appId: string, options: Parameters<Mesh["sidecar"]>[1] = {}) {
  const flags = ["--resources-path", folder.path, ...(options.flags ?? [])];
  const sidecar = await mesh.sidecar(appId, { ...options, flags });
  await life(sidecar, 1);
  return sidecar;
}

async function endpointNames(sidecar: SidecarProcess): Promise<readonly string[]> {
  const { body } = await call(sidecar.httpPort, "GET", "/v1.0/metadata");
  const { httpEndpoints = [] } = JSON.parse(body) as { httpEndpoints?: { name: string }[] };
  return httpEndpoints.map(({ name }) => name);
}

test("an HTTP endpoint leads elsewhere after its file was edited", async () => {
  const old = await mesh.app((_request, response) => response.end("old"));
  const young = await mesh.app((_request, response) => response.end("young"));
  folder.write("a.yaml", endpoint("shop", old.port));
  const sidecar = await watching("caller");
  const ask = () => call(sidecar.httpPort, "GET", "/v1.0/invoke/shop/method/x");
  expect((await ask()).body).toBe("old");

  folder.replace("a.yaml", endpoint("shop", young.port));
  await life(sidecar, 2);

  expect((await ask()).body).toBe("young");
  const lines = [
    "Received HTTPEndpoint UPDATED event: shop - triggering SIGHUP reload",
    "Received signal 'hangup'; restarting",
  ];
  for (const line of lines) expect(occurrences(sidecar, line), line).toBe(1);
});

test("renamed, new and deleted resources each restart once", async () => {
  folder.write("a.yaml", endpoint("first"));
  const sidecar = await watching("caller");

  folder.write("a.yaml", endpoint("second"));
  await life(sidecar, 2);
  expect(await endpointNames(sidecar)).toEqual(["second"]);
  await logged(sidecar, "Received HTTPEndpoint DELETED event: first");
  await logged(sidecar, "Received HTTPEndpoint CREATED event: second");

  folder.write("b.yaml", resource("Resiliency", "policies", "{policies: {}}"));
  await life(sidecar, 3);
  await logged(sidecar, "Received Resiliency CREATED event: policies - triggering SIGHUP reload");

  folder.write("c.yaml", resource("Configuration", "other", "{}"));
  await life(sidecar, 4);
  await logged(sidecar, "Received Configuration CREATED event: other - triggering SIGHUP reload");

  folder.delete("a.yaml");
  await life(sidecar, 5);
  expect(await endpointNames(sidecar)).toEqual([]);
  expect(occurrences(sidecar, "'hangup'")).toBe(4);
});

test("changes without effect restart nothing", async () => {
  folder.write("a.yaml", endpoint("first"));
  folder.write("c.yaml", resource("Configuration", "other", "{}"));
  const sidecar = await watching("caller");
  folder.rename("a.yaml", "b.yaml");
  folder.write("b.yaml", `# a comment\n${endpoint("first")}`);
  folder.write("d.yaml", resource("Component", "store", "{type: state.redis, version: v1}"));
  folder.write("notes.txt", "text");
  // The next restart must be the only one.
  folder.write("e.yaml", endpoint("second"));
  await life(sidecar, 2);
  expect(occurrences(sidecar, "'hangup'")).toBe(1);
  expect(occurrences(sidecar, "triggering SIGHUP reload")).toBe(1);
});

test("a broken document leaves everything as it is until it is mended", async () => {
  folder.write("a.yaml", endpoint("first"), endpoint("second"));
  const sidecar = await watching("caller");

  folder.write("a.yaml", endpoint("third"), `${endpoint("fourth")}  more: [1\n`);
  await logged(sidecar, "Changed files are not used, the running configuration stays");
  expect(await endpointNames(sidecar)).toEqual(["first", "second"]);

  // A hangup takes nothing worse either.
  sidecar.child.kill("SIGHUP");
  await life(sidecar, 2);
  await logged(sidecar, "The changed configuration is not used, the last good one stays");
  expect(await endpointNames(sidecar)).toEqual(["first", "second"]);

  folder.write("a.yaml", endpoint("third"), endpoint("fourth"));
  await life(sidecar, 3);
  expect(await endpointNames(sidecar)).toEqual(["third", "fourth"]);
});

test("two endpoints of one name, and a directory that is gone, leave everything as it is", async () => {
  folder.write("a.yaml", endpoint("first"));
  const sidecar = await watching("caller");
  folder.write("b.yaml", endpoint("first", 9_001));
  await logged(sidecar, "duplicate definition of HTTPEndpoint name first");
  folder.remove();
  await logged(sidecar, "ENOENT");
  expect(await endpointNames(sidecar)).toEqual(["first"]);
  expect(occurrences(sidecar, "'hangup'")).toBe(0);
});

const configuration = (spec: string): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: e2e}\nspec:\n` +
  `  nameResolution: {component: mdns, configuration: {interfaces: ["127.0.0.1"]}}\n${spec}`;

test("a changed Configuration file takes effect, a bad one does not", async () => {
  const sidecar = await mesh.sidecar("caller", { config: configuration("") });
  await life(sidecar, 1);
  const statusOfMetadata = async () =>
    (await call(sidecar.httpPort, "GET", "/v1.0/metadata")).status;

  mesh.writeConfig("caller.yaml", configuration("  metric: {enabled: [1]}\n"));
  await logged(sidecar, "the running configuration stays: error loading configuration:");
  sidecar.child.kill("SIGHUP");
  await life(sidecar, 2);
  expect(await statusOfMetadata()).toBe(200);

  const denied = "  api: {denied: [{name: metadata, version: v1.0, protocol: http}]}\n";
  mesh.writeConfig("caller.yaml", configuration(denied));
  await life(sidecar, 3);
  expect(await statusOfMetadata()).not.toBe(200);
  await logged(sidecar, "Configuration files changed");
});

test("what would not start, or would lose a policy, is found while the sidecar serves", async () => {
  folder.write("a.yaml", endpoint("first"));
  const sidecar = await watching("caller", { config: configuration("") });
  const stays = "Changed files are not used, the running configuration stays: ";
  const policies = (text: string) => resource("Resiliency", "mine", `{policies: {${text}}}`);
  const refused: readonly (readonly [text: string, told: string])[] = [
    [policies("timeouts: {t: soon}"), "Could not read resiliency policy mine: invalid duration"],
    [policies("retries: {r: {policy: sometimes}}"), "unexpected back off policy type: sometimes"],
    [policies('circuitBreakers: {c: {trip: "consecutiveFailures >"}}'), "Unexpected token: EOF"],
    [resource("HTTPEndpoint", "shop", '{baseUrl: "ftp://shop"}'), "HTTPEndpoint shop is unusable"],
    [
      `${endpoint("shop")}---\n${resource("Component", "c", "{type: what.ever}")}`,
      "process component c error: incorrect type what.ever",
    ],
  ];
  for (const [text, told] of refused) {
    folder.write("b.yaml", text);
    await logged(sidecar, told);
  }
  folder.delete("b.yaml");
  const bad = configuration("").replace("component: mdns", "component: mdns, balancer: none-such");
  mesh.writeConfig("caller.yaml", bad);
  await logged(sidecar, "none-such");
  mesh.writeConfig("caller.yaml", configuration("").replace("component: mdns", "component: none"));
  await logged(sidecar, "initialization error occurred for nr (none/v1)");
  expect(occurrences(sidecar, stays)).toBe(refused.length + 2);
  expect(occurrences(sidecar, "'hangup'")).toBe(0);

  // A hangup takes nothing worse either, and what was bad at the start is no reason to refuse.
  sidecar.child.kill("SIGHUP");
  await life(sidecar, 2);
  expect(occurrences(sidecar, "the last good one stays: [CREATE_COMPONENT_FAILURE]")).toBe(1);
  mesh.writeConfig("caller.yaml", configuration(""));
  folder.write("b.yaml", policies("timeouts: {t: 5s}, retries: {}"));
  await life(sidecar, 3);
  const { body } = await call(sidecar.httpPort, "GET", "/v1.0/metadata");
  expect(JSON.parse(body)).toMatchObject({ resiliencies: [{ name: "mine" }] });
});

test("what was bad at the start is no reason to refuse a change", async () => {
  folder.write("a.yaml", resource("Resiliency", "mine", "{policies: {timeouts: {t: soon}}}"));
  const sidecar = await watching("caller");
  await logged(sidecar, "Could not read resiliency policy mine");
  folder.write("b.yaml", endpoint("first"));
  await life(sidecar, 2);
  expect(await endpointNames(sidecar)).toEqual(["first"]);
});

/** A middleware that starts once: the real start is the second one, after the check of the files. */
const startsOnce = `
export const middleware = () => () => ({
  name: "once",
  async start() {
    globalThis.starts = (globalThis.starts ?? 0) + 1;
    if (globalThis.starts === 2) throw new Error("not twice");
  },
  handle: (request, next) => next(request),
});
`;

test("what the runtime cannot start with is given up for what it ran with", async () => {
  folder.write("a.yaml", endpoint("first"));
  folder.package("starts-once", startsOnce);
  const flags = ["--hot-reload-reconcile-interval", "100ms", "--log-level", "debug"];
  const sidecar = await watching("caller", { flags });
  const once = resource("Component", "c", '{type: "middleware.http.npm:starts-once", version: v1}');
  folder.write("a.yaml", endpoint("second"), once);
  await logged(sidecar, "goes back to the last good one");
  await life(sidecar, 2);
  expect(await endpointNames(sidecar)).toEqual(["first"]);

  // The bad files are not tried again, however often they are looked at; others are.
  await logged(sidecar, "they are not tried again", 3);
  expect(occurrences(sidecar, "'hangup'")).toBe(1);
  folder.write("a.yaml", endpoint("third"));
  await life(sidecar, 3);
  expect(await endpointNames(sidecar)).toEqual(["third"]);
  expect(occurrences(sidecar, "'hangup'")).toBe(2);
});

test("with the feature off only a hangup reads the files again", async () => {
  folder.write("a.yaml", endpoint("first"));
  const config = configuration("  features: [{name: HotReload, enabled: false}]\n");
  const off = await watching("off", { config });
  const on = await watching("on", { config: configuration("") });

  folder.write("a.yaml", endpoint("second"));
  await life(on, 2);
  expect(await endpointNames(off)).toEqual(["first"]);
  expect(off.output()).not.toContain("Hot reloading enabled");

  off.child.kill("SIGHUP");
  await life(off, 2);
  expect(await endpointNames(off)).toEqual(["second"]);
  expect(occurrences(off, "triggering")).toBe(0);
});

test("calls that run are finished, and the sockets' move is all that callers see", async () => {
  let release = (): void => undefined;
  const app = await mesh.app((request, response) => {
    if (request.url !== "/slow") return void response.end("quick");
    response.write("first half, ");
    release = () => response.end("second half");
  });
  folder.write("a.yaml", endpoint("first"));
  const sidecar = await watching("caller", { appPort: app.port });
  const arrival = once(app.server, "request");
  const slow = call(sidecar.httpPort, "GET", "/v1.0/invoke/caller/method/slow");
  await arrival;
  const load = new Load(sidecar.httpPort, "/v1.0/invoke/caller/method/x");
  await waitFor(async () => load.calls > 50, "calls before the change");

  folder.write("a.yaml", endpoint("second"));
  await logged(sidecar, "Dapr is shutting down");
  release();
  expect(await slow).toMatchObject({ status: 200, body: "first half, second half" });
  await life(sidecar, 2);
  const before = load.calls;
  await waitFor(async () => load.calls > before + 50, "calls after the change");

  const { failures } = await load.stop();
  // New connections are refused and idle ones closed; no call that was taken gets a wrong answer.
  const others = failures.filter((each) => !/ECONNREFUSED|ECONNRESET|socket hang up/.test(each));
  expect(others).toEqual([]);
});

test("callers elsewhere lose no call while the sidecar of an app restarts", async () => {
  const app = await mesh.app((_request, response) => response.end("here"));
  folder.write("a.yaml", endpoint("v1"));
  const callee = await watching("orders", { appPort: app.port });
  const caller = await mesh.sidecar("checkout");
  const load = new Load(caller.httpPort, "/v1.0/invoke/orders/method/x");
  for (const lives of [2, 3, 4]) {
    const before = load.calls;
    await waitFor(async () => load.calls > before + 50, "calls between the changes");
    folder.write("a.yaml", endpoint(`v${lives}`));
    await life(callee, lives);
  }
  const { failures } = await load.stop();
  expect(failures).toEqual([]);
});
