import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@outrigger/test-servers";
import type { TestProject } from "vitest/node";
import { Mesh } from "../../../apps/outrigger/test/e2e/mesh.ts";
import { type AppProcess, python, run, startApp } from "./processes.ts";
import { environmentOf, largeBodies, ports, type SidecarPorts, startSidecar } from "./sidecars.ts";

/** What the tests know about the mesh that they share. */
export interface Interop {
  /** The sidecar without an app that most tests call. */
  readonly caller: SidecarPorts;
  /** Sockets of a sidecar that has no ports. */
  readonly sockets: { readonly http: string; readonly grpc: string };
  /** The folder with the generated Python stubs. */
  readonly stubs: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    interop: Interop;
  }
}

interface AppKind {
  readonly appId: string;
  readonly file: string;
  readonly protocol: "http" | "grpc";
  readonly env?: Readonly<Record<string, string>>;
}

const grpcInvocation = { DAPR_API_METHOD_INVOCATION_PROTOCOL: "grpc" };
const apps: readonly AppKind[] = [
  { appId: "js-http", file: "apps/js-sdk-app.mjs", protocol: "http" },
  { appId: "js-grpc", file: "apps/js-sdk-app.mjs", protocol: "grpc" },
  { appId: "node-http", file: "apps/node-http-app.mjs", protocol: "http" },
  { appId: "node-grpc", file: "apps/node-grpc-app.mjs", protocol: "grpc" },
  { appId: "py-http", file: "python/http_app.py", protocol: "http" },
  { appId: "py-grpc", file: "python/grpc_app.py", protocol: "grpc", env: grpcInvocation },
];

const mesh = new Mesh();
const processes: AppProcess[] = [];
const folder = mkdtempSync(join(tmpdir(), "outrigger-interop-"));

/** Starts every app with its sidecar, once for all test files. */
export async function setup(project: TestProject): Promise<void> {
  try {
    await generateStubs();
    const caller = await ports();
    await Promise.all([
      ...apps.map((app) => startPair(app)),
      startSidecar(mesh, "caller", caller, largeBodies),
      mesh.sidecar("socket-caller", { flags: ["--unix-domain-socket", folder], wait: false }),
    ]);
    const socket = (api: string): string => join(folder, `dapr-socket-caller-${api}.socket`);
    const sockets = { http: socket("http"), grpc: socket("grpc") };
    project.provide("interop", { caller, sockets, stubs: folder });
  } catch (reason) {
    await teardown();
    throw reason;
  }
}

/** Ends every process. */
export async function teardown(): Promise<void> {
  await Promise.all(processes.map((app) => app.end()));
  await mesh.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The SDKs' servers wait for the sidecar and the sidecar waits for the app: both at once. */
async function startPair({ appId, file, protocol, env }: AppKind): Promise<void> {
  const own = await ports();
  const [appPort = 0] = await freePorts(1);
  const app = startApp(file, [protocol], {
    APP_PORT: `${appPort}`,
    ...environmentOf(own),
    PYTHONPATH: folder,
    ...env,
  });
  processes.push(app);
  const flags = ["--app-port", `${appPort}`, "--app-protocol", protocol, ...largeBodies];
  await Promise.all([startSidecar(mesh, appId, own, flags), app.ready()]);
}

async function generateStubs(): Promise<void> {
  const protos = join(import.meta.dirname, "../proto");
  const outputs = [`--python_out=${folder}`, `--grpc_python_out=${folder}`];
  await run(python(), ["-m", "grpc_tools.protoc", `-I${protos}`, ...outputs, "echo.proto"]);
}
