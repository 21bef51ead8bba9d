import { connect } from "node:net";
import { freePorts } from "@outrigger/test-servers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";

let mesh: Mesh;

beforeEach(() => {
  mesh = new Mesh();
});

afterEach(() => mesh.close());

interface Measured {
  readonly sidecar: SidecarProcess;
  readonly metricsPort: number;
  scrape(pattern: RegExp): Promise<readonly string[]>;
}

type Options = NonNullable<Parameters<Mesh["sidecar"]>[1]>;

async function measured(appId: string, options: Options = {}): Promise<Measured> {
  const [metricsPort = 0] = await freePorts(1);
  const flags = ["--metrics-listen-address", "127.0.0.1", "--metrics-port", `${metricsPort}`];
  const sidecar = await mesh.sidecar(appId, {
    ...options,
    flags: [...flags, ...(options.flags ?? [])],
  });
  const scrape = async (pattern: RegExp): Promise<readonly string[]> => {
    const { body } = await call(metricsPort, "GET", "/metrics");
    return body.split("\n").filter((line) => !line.startsWith("#") && pattern.test(line));
  };
  return { sidecar, metricsPort, scrape };
}

function configuration(metrics: string): string {
  return `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: { name: metrics }
spec: { metrics: ${metrics} }
`;
}

test("one call shows at both sidecars, one's own app at none of the families of calls", async () => {
  const app = await mesh.app((_request, response) => response.end("hi"));
  const orders = await measured("orders", { appPort: app.port });
  const checkout = await measured("checkout");
  await call(checkout.sidecar.httpPort, "GET", "/v1.0/invoke/orders/method/hi?x=1");
  await call(orders.sidecar.httpPort, "GET", "/v1.0/invoke/orders/method/hi");
  const calls = /^dapr_runtime_(?:service|acl).*_total\{/;
  const prefix = "dapr_runtime_service_invocation_";
  expect(await checkout.scrape(calls)).toEqual([
    `${prefix}req_sent_total{app_id="checkout",dst_app_id="orders",type="unary"} 1`,
    `${prefix}res_recv_total{app_id="checkout",src_app_id="orders",status="200",type="unary"} 1`,
  ]);
  expect(await orders.scrape(calls)).toEqual([
    'dapr_runtime_acl_global_policy_action_allowed_total{app_id="",namespace="",trustDomain=""} 1',
    `${prefix}req_recv_total{app_id="orders",src_app_id="checkout"} 1`,
    `${prefix}res_sent_total{app_id="orders",dst_app_id="checkout",status="200"} 1`,
  ]);
  expect(await checkout.scrape(/server_request_count.*invoke/)).toEqual([
    'dapr_http_server_request_count{app_id="checkout",method="GET",path="/v1.0/invoke/orders/method/hi",status="200"} 1',
  ]);
  expect(await orders.scrape(/client_completed_count.*hi/)).toEqual([
    'dapr_http_client_completed_count{app_id="orders",method="GET",path="/hi",status="200"} 2',
  ]);
  // The mesh of this test names its resolver, which then is a loaded component.
  expect(await checkout.scrape(/component_loaded/)).toEqual([
    'dapr_runtime_component_loaded{app_id="checkout"} 1',
  ]);
});

test("each error answer counts once, and only where that is wanted", async () => {
  const app = await mesh.app((_request, response) => {
    response.statusCode = 418;
    response.end();
  });
  const extraConfig = configuration("{ recordErrorCodes: true }");
  const checkout = await measured("checkout", { appPort: app.port, extraConfig });
  const codes = (): Promise<readonly string[]> => checkout.scrape(/error_code/);
  expect(await codes()).toEqual([]);
  const { httpPort } = checkout.sidecar;
  const series =
    'dapr_error_code_total{app_id="checkout",category="service-invocation",error_code="ERR_DIRECT_INVOKE"}';
  await call(httpPort, "GET", "/v1.0/workflow/x");
  expect(await codes()).toEqual([`${series} 1`]);
  await call(httpPort, "GET", "/v1.0/invoke/nobody/method/x");
  expect(await codes()).toEqual([`${series} 2`]);
  // A server that does not speak TLS.
  await call(httpPort, "GET", `/v1.0/invoke/https://127.0.0.1:${app.port}/method/x`);
  expect(await codes()).toEqual([`${series} 3`]);
  // The app's own answer, unchanged.
  expect((await call(httpPort, "GET", "/v1.0/invoke/checkout/method/x")).status).toBe(418);
  expect(await codes()).toEqual([`${series} 4`]);
});

test("without the flag there is no port, and the sidecar gets ready all the same", async () => {
  const checkout = await measured("checkout", { flags: ["--enable-metrics=false"] });
  await expect(accepts(checkout.metricsPort)).resolves.toBe(false);
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

test("where the Configuration says no, the port tells of the process alone", async () => {
  const extraConfig = configuration("{ enabled: false }");
  const checkout = await measured("checkout", { extraConfig });
  await call(checkout.sidecar.httpPort, "GET", "/v1.0/invoke/nobody/method/x");
  expect(await checkout.scrape(/^dapr_/)).toEqual([]);
  expect(await checkout.scrape(/^process_start_time_seconds/)).toHaveLength(1);
});

test("a hangup signal brings the settings of the changed file", async () => {
  const file = "changing.yaml";
  const path = mesh.writeConfig(file, configuration("{}"));
  const checkout = await measured("checkout", { flags: ["--config", path] });
  const { sidecar } = checkout;
  await call(sidecar.httpPort, "GET", "/v1.0/invoke/nobody/method/x");
  expect(await checkout.scrape(/request_count.*nobody/)).toHaveLength(1);
  mesh.writeConfig(file, configuration("{ http: { increasedCardinality: false } }"));
  sidecar.child.kill("SIGHUP");
  await waitFor(
    async () => sidecar.output().includes('\\"increasedCardinality\\":false'),
    "the new metric spec",
  );
  const path2 = "/v1.0/invoke/nobody/method/x";
  await waitFor(
    async () =>
      (await call(sidecar.httpPort, "GET", path2).catch(() => undefined))?.status === 500 &&
      (await checkout.scrape(/request_count.*path="",status="500"/)).length === 1,
    "series without paths",
  );
  expect(await checkout.scrape(/nobody/)).toEqual([]);
});

test("patterns that cannot be told apart end the start and name both", async () => {
  const extraConfig = configuration('{ http: { pathMatching: ["/a/{x}", "/{y}/b"] } }');
  const { sidecar } = await measured("checkout", { extraConfig, wait: false });
  await waitFor(async () => sidecar.child.exitCode !== null, "the end");
  expect(sidecar.child.exitCode).toBe(1);
  expect(sidecar.output()).toMatch(/pathMatching.*\/a\/\{x\}.*\/\{y\}\/b/);
});
