import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import { daprPaths, encodeInvokeServiceRequest } from "@outrigger/protocol";
import { freePorts, serversOrSkip } from "@outrigger/test-servers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { PrometheusProcess } from "./prometheus-process.ts";
import { type ProtocolApp, startProtocolApp } from "./protocol-apps.ts";
import { ResourceFolder, resource } from "./resource-folder.ts";
import { SentryProcess } from "./sentry-process.ts";

const servers = serversOrSkip("prometheus");

/** What the panels of Dapr's dashboards ask, less what does not come from the sidecar. */
const queries = [
  'process_start_time_seconds{service=~"checkout-dapr"}',
  'process_virtual_memory_bytes{service=~"checkout-dapr"}',
  'sum(rate(process_cpu_seconds_total{service=~"checkout-dapr"}[1m])) by (app_id, pod)',
  'histogram_quantile(0.9, sum(rate(dapr_http_server_latency_bucket{app_id=~"checkout"}[1m])) by (le, app_id, method, path))',
  'sum(rate(dapr_http_server_response_count{app_id=~"checkout"}[1m])) by (app_id, method, path)',
  'histogram_quantile(0.9, sum(rate(dapr_http_client_roundtrip_latency_bucket{app_id=~"orders"}[1m])) by (le, app_id, method, path))',
  'sum(rate(dapr_http_client_completed_count{app_id=~"orders"}[1m])) by (app_id, method, path)',
  'histogram_quantile(0.9, sum(rate(dapr_grpc_io_server_server_latency_bucket{app_id=~"checkout", grpc_server_method=~".*.Dapr/.*"}[1m])) by (le, app_id, grpc_server_method))',
  'sum(rate(dapr_grpc_io_server_completed_rpcs{app_id=~"checkout", grpc_server_method=~".*.Dapr/.*"}[1m])) by (app_id, grpc_server_method)',
  'histogram_quantile(0.9, sum(rate(dapr_grpc_io_client_roundtrip_latency_bucket{app_id=~"stock", grpc_client_method=~".*.AppCallback/.*"}[1m])) by (le, app_id, grpc_client_method))',
  'sum(rate(dapr_grpc_io_client_completed_rpcs{app_id=~"stock", grpc_client_method=~".*.AppCallback/.*"}[1m])) by (app_id, grpc_client_method)',
  'sum(dapr_runtime_component_loaded{app_id=~"checkout", namespace="shop"}) by (app_id)',
  'sum(dapr_runtime_component_init_total{app_id=~"checkout"}) by (app_id)',
  'sum(dapr_runtime_component_init_fail_total{app_id=~"checkout"}) by (app_id, reason)',
  'sum(dapr_runtime_mtls_init_total{app_id=~"checkout"}) by (app_id)',
  'sum(dapr_runtime_mtls_workload_cert_rotated_total{app_id=~"checkout"}) by (app_id)',
  'process_start_time_seconds{app="dapr-sentry"}',
  'min(dapr_sentry_issuercert_expiry_timestamp{app="dapr-sentry"}) - time()',
  'sum(dapr_sentry_cert_sign_request_received_total{app="dapr-sentry"})',
  'sum(dapr_sentry_cert_sign_success_total{app="dapr-sentry"})',
  'sum(dapr_sentry_issuercert_changed_total{app="dapr-sentry"})',
];

describe.skipIf(servers === undefined)(
  "a real Prometheus",
  () => {
    const mesh = new Mesh();
    const sentry = new SentryProcess({ workloadCertTtl: "6s", allowedClockSkew: "1s" });
    const resources = new ResourceFolder();
    const prometheus = new PrometheusProcess(servers?.prometheus ?? "");
    let stock: ProtocolApp;
    let checkout: SidecarProcess;
    let client: GrpcClient;

    beforeAll(async () => {
      const [grpcPort = 0, ofCheckout = 0, ofOrders = 0, ofStock = 0] = await freePorts(4);
      await sentry.start();
      const { flags: mtls, env } = sentry.client();
      const flags = (port: number): string[] => [
        ...mtls,
        ...["--metrics-port", `${port}`, "--metrics-listen-address", "127.0.0.1"],
      ];
      resources.write(
        "broken.yaml",
        resource(
          "Component",
          "broken",
          "{type: middleware.http.unknown, version: v1, ignoreErrors: true}",
        ),
      );
      const app = await mesh.app((_request, response) => response.end("ok"));
      stock = await startProtocolApp("grpc");
      await mesh.sidecar("orders", { env, appPort: app.port, flags: flags(ofOrders) });
      const grpc = ["--app-protocol", "grpc"];
      await mesh.sidecar("stock", {
        env,
        appPort: stock.port,
        flags: [...flags(ofStock), ...grpc],
      });
      const own = ["--dapr-grpc-port", `${grpcPort}`, "--resources-path", resources.path];
      checkout = await mesh.sidecar("checkout", { env, flags: [...flags(ofCheckout), ...own] });
      client = new GrpcClient({ host: "127.0.0.1", port: grpcPort });
      const labels = (appId: string): Record<string, string> => ({
        ...{ namespace: "shop", service: `${appId}-dapr`, app: appId, pod: `${appId}-0` },
      });
      await prometheus.start([
        { port: ofCheckout, labels: labels("checkout") },
        { port: ofOrders, labels: labels("orders") },
        { port: ofStock, labels: labels("stock") },
        { port: sentry.metricsPort, labels: { namespace: "dapr-system", app: "dapr-sentry" } },
      ]);
    });

    afterAll(async () => {
      client?.close();
      await mesh.close();
      await Promise.all([prometheus.close(), sentry.close(), stock?.kill()]);
      resources.remove();
    });

    async function callAll(): Promise<void> {
      await call(checkout.httpPort, "GET", "/v1.0/invoke/orders/method/list");
      const response = await client.call({
        path: daprPaths.InvokeService,
        headers: [],
        body: frameMessage(
          encodeInvokeServiceRequest({
            id: "stock",
            message: {
              ...{ method: "take", contentType: "", httpExtension: undefined },
              data: { typeUrl: "", value: Buffer.from("x") },
            },
          }),
        ),
      });
      while (response.status === undefined) await response.messages.read();
    }

    test("answers every query of the dashboards", async () => {
      const empty = new Set(queries);
      await waitFor(async () => {
        await callAll();
        for (const query of empty) {
          const rows = await prometheus.query(query);
          // Quantiles of what was not called meanwhile are NaN.
          if (rows.some(({ value }) => value[1] !== "NaN")) empty.delete(query);
        }
        return empty.size === 0;
      }, "data for every query").catch((reason: unknown) => {
        throw new Error(`no data for:\n${[...empty].join("\n")}`, { cause: reason });
      });
      const loaded = "dapr_runtime_component_loaded";
      expect(await prometheus.labelValues(loaded, "app_id")).toEqual([
        "checkout",
        "orders",
        "stock",
      ]);
      expect(await prometheus.labelValues(loaded, "namespace")).toEqual(["shop"]);
      const sums = await prometheus.query(
        'sum by (src_app_id) (dapr_runtime_service_invocation_res_recv_total{app_id="checkout"})',
      );
      expect(sums.map(({ metric }) => metric.src_app_id).sort()).toEqual(["orders", "stock"]);
    });

    test("takes every family as it is meant", async () => {
      const rows = await prometheus.query('count by (__name__) ({__name__=~"dapr_.*_bucket"})');
      expect(rows.length).toBeGreaterThan(8);
      expect(await prometheus.query('up{app="checkout"} == 1')).toHaveLength(1);
      const untold = await prometheus.query('scrape_samples_scraped{app="checkout"} > 100');
      expect(untold).toHaveLength(1);
    });
  },
  60_000,
);
