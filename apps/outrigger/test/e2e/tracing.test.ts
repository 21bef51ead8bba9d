import type { IncomingMessage } from "node:http";
import { freePorts } from "@outrigger/test-servers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, Mesh, waitFor } from "./mesh.ts";
import {
  type SpanCollector,
  startCollector,
  tracingConfig,
  zipkinConfig,
} from "./span-collector.ts";

const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
const quick = { OTEL_BSP_SCHEDULE_DELAY: "50" };

let mesh: Mesh;
let collector: SpanCollector;
let seen: IncomingMessage["headers"][];
beforeEach(async () => {
  mesh = new Mesh();
  collector = await startCollector();
  seen = [];
});
afterEach(async () => {
  await mesh.close();
  await collector.close();
});

/** A caller and a callee with an app; what a Configuration leaves out is not configured. */
async function startMesh(
  configs: { readonly caller?: string; readonly callee?: string },
  env: Readonly<Record<string, string>> = quick,
) {
  const app = await mesh.app((request, response) => {
    // The sidecar asks the app for its configuration first.
    if (request.url === "/hi") seen.push(request.headers);
    response.end("ok");
  });
  const extra = (text: string | undefined) => (text === undefined ? {} : { extraConfig: text });
  const [callee, caller] = await Promise.all([
    mesh.sidecar("callee", { appPort: app.port, env, ...extra(configs.callee) }),
    mesh.sidecar("caller", { env, ...extra(configs.caller) }),
  ]);
  const invoke = async (headers: Readonly<Record<string, string>> = {}) => {
    const answer = await call(caller.httpPort, "GET", "/v1.0/invoke/callee/method/hi", { headers });
    expect(answer).toMatchObject({ status: 200, body: "ok" });
    return answer;
  };
  return { caller, callee, invoke };
}

async function spans(count: number): Promise<SpanCollector["spans"]> {
  await waitFor(async () => collector.spans.length >= count, `${count} spans`);
  return [...collector.spans].sort((a, b) => a.kind.localeCompare(b.kind));
}

test("a call is two spans of one trace, and the app continues the callee's", async () => {
  const config = zipkinConfig(collector.url);
  const { invoke } = await startMesh({ caller: config, callee: config });
  const answer = await invoke({ "dapr-thing": "v", "dapr-api-token": "secret" });

  const [client, server] = await spans(2);
  expect(client).toMatchObject({ kind: "CLIENT", localEndpoint: { serviceName: "caller" } });
  expect(client?.tags).toMatchObject({ "net.peer.name": "callee", "dapr-thing": "v" });
  expect(client?.tags).not.toHaveProperty("dapr-api-token");
  expect(client).not.toHaveProperty("parentId");
  expect(server).toMatchObject({
    kind: "SERVER",
    name: "calllocal/callee/hi",
    traceId: client?.traceId,
    parentId: client?.id,
    localEndpoint: { serviceName: "callee" },
  });
  expect(answer.headers.traceparent).toBe(`00-${client?.traceId}-${client?.id}-01`);
  expect(seen[0]?.traceparent).toBe(`00-${client?.traceId}-${server?.id}-01`);
});

test("a callee that traces records the calls of a sidecar that does not", async () => {
  const { invoke } = await startMesh({ callee: zipkinConfig(collector.url) });
  await invoke();
  const [server] = await spans(1);
  expect(server).toMatchObject({ kind: "SERVER" });
  expect(server).not.toHaveProperty("parentId");
  expect(seen[0]?.traceparent).toBe(`00-${server?.traceId}-${server?.id}-01`);
});

test("where nobody traces, app and client get the same valid context", async () => {
  const { invoke } = await startMesh({});
  const { headers } = await invoke();
  expect(headers.traceparent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/);
  expect(seen[0]?.traceparent).toBe(headers.traceparent);
  await invoke({ traceparent: `${given}-01` });
  expect(seen[1]?.traceparent).toBe(`${given}-01`);
});

test("at rate 0 nothing is added, and what comes passes through", async () => {
  const config = zipkinConfig(collector.url, "0");
  const { caller, invoke } = await startMesh({ caller: config, callee: config });
  const plain = await invoke();
  expect(plain.headers).not.toHaveProperty("traceparent");
  expect(seen[0]).not.toHaveProperty("traceparent");
  await invoke({ traceparent: `${given}-01`, baggage: "not valid!" });
  expect(seen[1]).toMatchObject({ traceparent: `${given}-01`, baggage: "not valid!" });
  expect(caller.output()).toContain("root:TraceIDRatioBased{0}");
});

test("a collector that is away neither fails nor delays calls, and is told once", async () => {
  const [port = 0] = await freePorts(1);
  const config = zipkinConfig(`http://127.0.0.1:${port}/api/v2/spans`);
  const { caller, invoke } = await startMesh({ caller: config, callee: config });
  for (let count = 0; count < 5; count++) await invoke();
  const warnings = () => caller.output().match(/spans cannot be sent to/g) ?? [];
  await waitFor(async () => warnings().length > 0, "the warning");
  for (let count = 0; count < 5; count++) await invoke();
  expect(await caller.end()).toBe(0);
  expect(warnings()).toHaveLength(1);
});

test("spans that wait are sent when the sidecar stops", async () => {
  const config = zipkinConfig(collector.url);
  const { caller, invoke } = await startMesh({ caller: config }, {});
  await invoke();
  expect(collector.spans).toHaveLength(0);
  expect(await caller.end()).toBe(0);
  expect(collector.spans).toHaveLength(1);
});

test("names and attributes of the service come from the environment", async () => {
  const { invoke } = await startMesh(
    { caller: zipkinConfig(collector.url) },
    { ...quick, OTEL_SERVICE_NAME: "shop", OTEL_RESOURCE_ATTRIBUTES: "service.name=x,team=a%20b" },
  );
  await invoke();
  const [client] = await spans(1);
  expect(client?.localEndpoint.serviceName).toBe("shop");
  expect(client?.tags).toMatchObject({ "service.name": "shop", team: "a b" });
});

test("the sampler is logged at the start, and anew after a hangup", async () => {
  const { caller } = await startMesh({ caller: zipkinConfig(collector.url) });
  expect(caller.output()).toContain("root:TraceIDRatioBased{1}");
  mesh.writeConfig("caller-extra.yaml", zipkinConfig(collector.url, "0.5"));
  caller.child.kill("SIGHUP");
  await waitFor(
    async () => caller.output().includes("root:TraceIDRatioBased{0.5}"),
    "the new sampler",
  );
});

test.for([
  [
    ["otel:", "  endpointAddress: c:4317", "  protocol: carrier"],
    "invalid protocol carrier provided for Otel endpoint",
  ],
  [["zipkin:", "  endpointAddress: zipkin:9411"], "invalid collector URL"],
] as const)("a sidecar with %j does not start", async ([lines, message]) => {
  const extraConfig = tracingConfig(lines);
  const sidecar = await mesh.sidecar("wrong", { extraConfig, wait: false });
  await waitFor(async () => sidecar.child.exitCode !== null, "the end");
  expect(sidecar.child.exitCode).toBe(1);
  expect(sidecar.output()).toContain(message);
});
