import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { DemoCommand } from "./demo-process.ts";
import { freePorts } from "./free-ports.ts";

/** Ports of one sidecar. */
export interface SidecarPorts {
  readonly http: number;
  readonly grpc: number;
  readonly internal: number;
  readonly metrics: number;
}

/** Names and ports of everything that the demo starts. */
export interface DemoPlan {
  readonly processorId: string;
  readonly checkoutId: string;
  readonly appPort: number;
  readonly processor: SidecarPorts;
  readonly checkout: SidecarPorts;
}

/** Environment variables by name. */
export type DemoEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Chooses ports and app ids. The ids end in random characters, because mDNS is shared with
 * everybody on the network: an `order-processor` of somebody else would get half of the orders.
 */
export async function planDemo(): Promise<DemoPlan> {
  const ports = await freePorts(9);
  const suffix = randomBytes(2).toString("hex");
  return {
    processorId: `order-processor-${suffix}`,
    checkoutId: `checkout-${suffix}`,
    appPort: ports[0] as number,
    processor: sidecarPorts(ports.slice(1, 5)),
    checkout: sidecarPorts(ports.slice(5, 9)),
  };
}

function sidecarPorts(ports: readonly number[]): SidecarPorts {
  const [http, grpc, internal, metrics] = ports as readonly [number, number, number, number];
  return { http, grpc, internal, metrics };
}

/** The Node app. */
export function processorApp(plan: DemoPlan, env: DemoEnvironment): DemoCommand {
  return {
    title: "order-processor",
    command: process.execPath,
    args: [demoFile("order-processor.mjs")],
    env: { ...env, APP_PORT: String(plan.appPort) },
  };
}

/** The app that sends the orders: Python, or Node where there is no Python. */
export function checkoutApp(
  plan: DemoPlan,
  orders: number,
  python: string | undefined,
  env: DemoEnvironment,
): DemoCommand {
  return {
    title: "checkout",
    command: python ?? process.execPath,
    args: python === undefined ? [demoFile("checkout.mjs")] : ["-u", demoFile("checkout.py")],
    env: {
      ...env,
      DAPR_HTTP_PORT: String(plan.checkout.http),
      ORDER_APP_ID: plan.processorId,
      ORDERS: String(orders),
    },
  };
}

/** A sidecar, started as anybody would start daprd. */
export function sidecar(
  daprd: string,
  appId: string,
  ports: SidecarPorts,
  appPort: number | undefined,
  env: DemoEnvironment,
): DemoCommand {
  const app = appPort === undefined ? [] : ["--app-port", String(appPort)];
  const args = [
    ...["--app-id", appId, ...app],
    ...["--dapr-http-port", String(ports.http)],
    ...["--dapr-grpc-port", String(ports.grpc)],
    ...["--dapr-internal-grpc-port", String(ports.internal)],
    ...["--metrics-port", String(ports.metrics), "--metrics-listen-address", "127.0.0.1"],
    ...["--log-level", "warn"],
    ...["--config", demoFile("loopback.yaml")],
  ];
  return {
    title: `sidecar of ${appId}`,
    command: process.execPath,
    args: [daprd, ...args],
    // The demo stays on this machine, whatever addresses the machine has.
    env: { ...env, DAPR_HOST_IP: "127.0.0.1" },
  };
}

/** The sidecar's executable in this package. */
export const packagedDaprd: string = fileURLToPath(new URL("../../bin/daprd.js", import.meta.url));

function demoFile(name: string): string {
  return fileURLToPath(new URL(`../../demo/${name}`, import.meta.url));
}
