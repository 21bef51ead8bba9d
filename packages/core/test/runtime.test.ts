import {
  type AccessRequest,
  type AppChannel,
  appFunction,
  createRuntime,
  emptyBody,
  type ReceivedCall,
  type Runtime,
  type RuntimeOptions,
  type WorkloadIdentity,
} from "@outrigger/core";
import { afterEach, expect, test, vi } from "vitest";
import { answer, ListResolver, ScriptedTransport } from "./fakes.ts";

const running: Runtime[] = [];
afterEach(async () => {
  for (const runtime of running.splice(0)) await runtime.stop({ drainMs: 0 });
});

async function start(options: Partial<RuntimeOptions> = {}): Promise<{
  runtime: Runtime;
  transport: ScriptedTransport;
}> {
  const transport = new ScriptedTransport();
  const runtime = await createRuntime({ appId: "orders", transport: () => transport, ...options });
  running.push(runtime);
  return { runtime, transport };
}

function received(method: string, verb = "POST"): ReceivedCall {
  return {
    target: "",
    method,
    http: { verb, query: "" },
    origin: "http",
    metadata: [],
    contentType: "",
    typeUrl: "",
    body: emptyBody,
    bodyLength: 0,
    signal: new AbortController().signal,
  };
}

test("an empty app id is refused", async () => {
  await expect(
    createRuntime({ appId: "", transport: () => new ScriptedTransport() }),
  ).rejects.toThrow("appId: must not be empty");
});

test("a call to the own app skips transport and access policy", async () => {
  const appChannel = appFunction(async (call) => answer(`got ${call.method}`));
  const decide = vi.fn();
  const { runtime, transport } = await start({
    appChannel,
    accessPolicy: () => ({ name: "access-test", decide }),
  });
  const response = await runtime.invoke({ target: "orders", method: "a//b/" });
  expect(Buffer.from(response.body as Uint8Array).toString()).toBe("got a/b");
  expect(transport.attempts).toHaveLength(0);
  expect(decide).not.toHaveBeenCalled();
});

test("without an app, calls to the own id say what is missing", async () => {
  const { runtime } = await start();
  await expect(runtime.invoke({ target: "orders", method: "m" })).rejects.toThrow(
    "cannot invoke local endpoint: app channel not initialized",
  );
});

test("a peer's call without an app gets Dapr's status", async () => {
  const { transport } = await start();
  await expect(transport.handler?.receive(received("m"))).rejects.toMatchObject({
    rpc: { code: 13, message: "app channel is not initialized" },
  });
});

test("a transport learns before it reads a call whether there is an app", async () => {
  const without = await start();
  expect(() => without.transport.handler?.assertHasApp?.()).toThrow(
    "app channel is not initialized",
  );
  const having = await start({ appChannel: appFunction(async () => answer("ok")) });
  expect(() => having.transport.handler?.assertHasApp?.()).not.toThrow();
});

test("what is wrong with a call is told to those only who may call", async () => {
  const deliver = vi.fn(async () => answer("ok"));
  const { transport } = await start({
    appChannel: appFunction(deliver),
    accessPolicy: () => ({
      name: "access-test",
      decide: ({ method }) => ({ allowed: method === "public", reason: "test" }),
    }),
  });
  const defect = new Error("unreadable");
  const refused = (method: string) =>
    expect(transport.handler?.receive({ ...received(method), defect })).rejects;
  await refused("admin").toMatchObject({ code: "OTR_POLICY_DENIED" });
  await refused("public").toMatchObject({
    rpc: { code: 13, message: "error invoking app channel: unreadable" },
  });
  expect(deliver).not.toHaveBeenCalled();
});

test("the access policy decides on the path that the app receives", async () => {
  const seen: AccessRequest[] = [];
  const delivered: string[] = [];
  const { transport } = await start({
    appChannel: appFunction(async (call) => {
      delivered.push(call.method);
      return answer("ok");
    }),
    accessPolicy: () => ({
      name: "access-test",
      decide: (request) => {
        seen.push(request);
        return { allowed: request.method === "public", reason: "test" };
      },
    }),
  });
  await transport.handler?.receive(received("admin/../public"));
  await expect(
    transport.handler?.receive(received("public/../admin", "GET")),
  ).rejects.toMatchObject({
    rpc: {
      code: 7,
      message: "access control policy has denied access to id:  operation: admin verb: GET",
    },
  });
  expect(seen.map(({ method }) => method)).toEqual(["public", "admin"]);
  expect(delivered).toEqual(["public"]);
});

test("a failing app channel is reported to the peer as an internal error", async () => {
  const { transport } = await start({
    appChannel: appFunction(async () => {
      throw new Error("connection refused");
    }),
  });
  await expect(transport.handler?.receive(received("m"))).rejects.toMatchObject({
    rpc: { code: 13, message: "error invoking app channel: connection refused" },
  });
});

test("stop takes the announcement back before it drains, and releases in reverse", async () => {
  const transport = new ScriptedTransport();
  const resolver = new ListResolver([], transport.journal);
  const runtime = await createRuntime({
    appId: "orders",
    transport: () => transport,
    resolver: () => resolver,
  });
  await runtime.stop();
  expect(transport.journal).toEqual([
    "transport start",
    "transport listen",
    "resolver announce",
    "resolver withdraw",
    "transport drain",
    "resolver stop",
    "transport stop",
  ]);
});

test("stop is bounded and says that calls were cut off", async () => {
  const { runtime, transport } = await start();
  transport.drainWork = new Promise(() => undefined);
  await expect(runtime.stop({ drainMs: 5 })).resolves.toEqual({ drained: false });
});

test("a component that cannot start leaves nothing behind", async () => {
  const transport = new ScriptedTransport();
  transport.listen = async () => {
    throw new Error("port in use");
  };
  await expect(createRuntime({ appId: "orders", transport: () => transport })).rejects.toThrow(
    "port in use",
  );
  expect(transport.journal).toContain("transport stop");
});

test("a registry that is away delays readiness and is asked again", async () => {
  const resolver = new ListResolver([]);
  resolver.announceFailures = 1;
  const { runtime } = await start({ resolver: () => resolver });
  expect(runtime.health.unready()).toContain("name-resolution");
  await vi.waitFor(() => expect(runtime.health.unready()).toEqual([]), { timeout: 5_000 });
});

test("ready means that the app listens; outbound works before", async () => {
  let appListens: () => void = () => undefined;
  const channel: AppChannel = {
    name: "app-test",
    protocol: "http",
    deliver: async () => answer("ok"),
    waitUntilListening: () =>
      new Promise((resolve) => {
        appListens = resolve;
      }),
  };
  const { runtime } = await start({ appChannel: () => channel });
  expect(runtime.health.outboundReady()).toBe(true);
  expect(runtime.health.unready()).toEqual(["runtime"]);
  appListens();
  await runtime.whenReady();
  expect(runtime.health.unready()).toEqual([]);
});

test("a probed app is unhealthy until its first success and after too many failures", async () => {
  const results = [true, false, false];
  let probes = 0;
  const channel: AppChannel = {
    name: "app-test",
    protocol: "http",
    deliver: async () => answer("ok"),
    probe: async () => results[probes++] ?? false,
  };
  const appHealth = { path: "/healthz", intervalMs: 1, timeoutMs: 1, threshold: 2 };
  const { runtime } = await start({ appChannel: () => channel, appHealth });
  await vi.waitFor(() => expect(runtime.appHealth.healthy).toBe(true));
  await vi.waitFor(() => expect(runtime.appHealth.healthy).toBe(false));
  await expect(runtime.invoke({ target: "orders", method: "m" })).rejects.toThrow(
    "rpc error: code = Internal desc = app is not in a healthy state",
  );
});

test("metadata says initializing until the app is healthy for the first time", async () => {
  let healthy = false;
  const probe = vi.fn(async () => healthy);
  const channel: AppChannel = {
    name: "app-test",
    protocol: "http",
    deliver: async () => answer("ok"),
    probe,
  };
  const appHealth = { path: "/healthz", intervalMs: 1, timeoutMs: 1, threshold: 1 };
  const { runtime } = await start({ appChannel: () => channel, appHealth });
  await runtime.whenReady();
  await vi.waitFor(() => expect(probe).toHaveBeenCalled());
  expect(runtime.metadata.snapshot().initialized).toBe(false);
  healthy = true;
  await vi.waitFor(() => expect(runtime.metadata.snapshot().initialized).toBe(true));
  healthy = false;
  await vi.waitFor(() => expect(runtime.appHealth.healthy).toBe(false));
  expect(runtime.metadata.snapshot().initialized).toBe(true);
});

test.each([
  ["answers", true],
  ["hangs", false],
])("readiness waits for a first probe that %s, within bounds", async (_how, answers) => {
  let tell: (healthy: boolean) => void = () => undefined;
  const channel: AppChannel = {
    name: "app-test",
    protocol: "http",
    deliver: async () => answer("ok"),
    probe: () =>
      new Promise((resolve) => {
        tell = resolve;
      }),
  };
  const appHealth = { path: "/healthz", intervalMs: 1, timeoutMs: 1, threshold: 1 };
  const { runtime } = await start({ appChannel: () => channel, appHealth });
  expect(runtime.health.unready()).toContain("runtime");
  if (answers) tell(true);
  await runtime.whenReady();
  expect(runtime.appHealth.healthy).toBe(answers);
});

test("failures of the app's probe count while they follow each other", async () => {
  const results = [true, false, true, false, true, false, false];
  let probes = 0;
  let probesUntilUnhealthy = 0;
  const channel: AppChannel = {
    name: "app-test",
    protocol: "http",
    deliver: async () => answer("ok"),
    probe: async () => results[probes++] ?? false,
  };
  const appHealth = { path: "/healthz", intervalMs: 1, timeoutMs: 1, threshold: 2 };
  const { runtime } = await start({ appChannel: () => channel, appHealth });
  runtime.appHealth.onUnhealthy(() => {
    probesUntilUnhealthy = probes;
  });
  await vi.waitFor(() => expect(probesUntilUnhealthy).toBe(results.length));
});

test("whenReady rejects when the runtime stops first", async () => {
  const channel: AppChannel = {
    name: "app-test",
    protocol: "http",
    deliver: async () => answer("ok"),
    waitUntilListening: (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
      }),
  };
  const { runtime } = await start({ appChannel: () => channel });
  const ready = expect(runtime.whenReady()).rejects.toMatchObject({ code: "OTR_STOPPED" });
  await runtime.stop();
  await ready;
});

test("metadata holds what clients set, within a bound", async () => {
  const { runtime } = await start();
  runtime.metadata.set("owner", "team-a");
  runtime.metadata.set("", "ignored");
  expect(runtime.metadata.snapshot().extended).toEqual({
    owner: "team-a",
    daprRuntimeVersion: runtime.metadata.snapshot().runtimeVersion,
  });
  for (let index = 1; index < 1_024; index++) runtime.metadata.set(`k${index}`, "v");
  expect(() => runtime.metadata.set("one-more", "v")).toThrow("1024 attributes");
});

test("an expired certificate makes the sidecar unready, and a new one ready again", async () => {
  let nowMs = 1_000;
  let expiresAtMs = 2_000;
  const svid = { spiffeId: "", certificateChain: "", privateKey: "", trustAnchors: "" };
  const identity: WorkloadIdentity = {
    name: "identity-test",
    current: () => ({ ...svid, notBeforeMs: 0, expiresAtMs }),
    onRotate: () => () => undefined,
  };
  const { runtime } = await start({ identity: () => identity, now: () => nowMs });
  await runtime.whenReady();
  expect(runtime.health.unready()).toEqual([]);
  nowMs = 2_000;
  expect(runtime.health.unready()).toEqual(["workload-certificate"]);
  expiresAtMs = 3_000;
  expect(runtime.health.unready()).toEqual([]);
});
