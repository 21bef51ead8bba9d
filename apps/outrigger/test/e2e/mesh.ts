import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@outrigger/test-servers";

const bin = join(import.meta.dirname, "../../bin/daprd.js");
const readyTimeoutMs = 15_000;

/** A sidecar process under test. */
export interface SidecarProcess {
  readonly appId: string;
  readonly httpPort: number;
  readonly child: ChildProcess;
  output(): string;
  /** Sends the signal and waits for the end. Returns the exit code, or the signal's name. */
  end(signal?: NodeJS.Signals): Promise<number | string | null>;
}

/** An HTTP app under test. */
export interface TestApp {
  readonly port: number;
  readonly server: Server;
  close(): Promise<void>;
}

/** What a caller got. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Owns every process, server and file of a test and releases them all. */
export class Mesh {
  readonly #folder = mkdtempSync(join(tmpdir(), "outrigger-e2e-"));
  readonly #mdnsPort = nextMdnsPort();
  readonly #sidecars: SidecarProcess[] = [];
  readonly #apps: TestApp[] = [];

  /** By default mDNS, on the loopback interface and on the port of this mesh. */
  writeConfig(name: string, text: string = mdnsConfig(this.#mdnsPort)): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text);
    return path;
  }

  async app(
    handler: (request: IncomingMessage, response: ServerResponse) => void,
    port = 0,
  ): Promise<TestApp> {
    const server = createServer(handler);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const app: TestApp = {
      port: (server.address() as AddressInfo).port,
      server,
      close: async () => {
        server.closeAllConnections();
        if (server.listening) await new Promise((resolve) => server.close(resolve));
      },
    };
    this.#apps.push(app);
    return app;
  }

  /** Starts a sidecar and waits until it is ready; without an app, until it can call others. */
  async sidecar(
    appId: string,
    options: {
      readonly appPort?: number;
      readonly flags?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly wait?: boolean;
      /** Text of the Configuration instead of mDNS on loopback. */
      readonly config?: string;
      /** Text of a second Configuration, read over the first. */
      readonly extraConfig?: string;
    } = {},
  ): Promise<SidecarProcess> {
    const [httpPort = 0, grpcPort = 0, metricsPort = 0] = await freePorts(3);
    const flags = [
      "--app-id",
      appId,
      "--config",
      this.writeConfig(`${appId}.yaml`, options.config),
    ];
    if (options.extraConfig !== undefined) {
      flags.push("--config", this.writeConfig(`${appId}-extra.yaml`, options.extraConfig));
    }
    flags.push("--dapr-http-port", `${httpPort}`, "--dapr-grpc-port", `${grpcPort}`);
    flags.push("--metrics-port", `${metricsPort}`, "--metrics-listen-address", "127.0.0.1");
    flags.push("--dapr-listen-addresses", "127.0.0.1");
    // A port of its own, so that several instances of one id do not race for the stable one.
    flags.push("--dapr-internal-grpc-listen-address", "127.0.0.1");
    if (options.appPort !== undefined) flags.push("--app-port", `${options.appPort}`);
    flags.push(...(options.flags ?? []));
    const child = spawn(process.execPath, [bin, ...flags], {
      env: { ...process.env, DAPR_HOST_IP: "127.0.0.1", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const sidecar = watchProcess(appId, httpPort, child);
    this.#sidecars.push(sidecar);
    if (options.wait !== false) await waitHealthy(sidecar, "/v1.0/healthz");
    return sidecar;
  }

  async close(): Promise<void> {
    await Promise.all(this.#sidecars.map((sidecar) => sidecar.end("SIGKILL")));
    await Promise.all(this.#apps.map((app) => app.close()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

let meshes = 0;

/** Tests that run at the same time, in this checkout or another, must not find each other's apps. */
function nextMdnsPort(): number {
  meshes += 1;
  // Below the ports that the system hands out.
  return 20_000 + ((process.pid * 37 + meshes) % 12_000);
}

const mdnsConfig = (port: number): string => `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: e2e
spec:
  nameResolution:
    component: mdns
    configuration:
      interfaces: ["127.0.0.1"]
      port: ${port}
`;

function watchProcess(appId: string, httpPort: number, child: ChildProcess): SidecarProcess {
  let output = "";
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const ended = new Promise<number | string | null>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
  return {
    appId,
    httpPort,
    child,
    output: () => output,
    end: (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal ?? "SIGTERM");
      return ended;
    },
  };
}

/** Polls a health route until it answers 204. @throws Error with the process' output. */
export async function waitHealthy(sidecar: SidecarProcess, path: string): Promise<void> {
  await waitFor(async () => {
    if (sidecar.child.exitCode !== null) {
      throw new Error(`${sidecar.appId} ended: ${sidecar.output()}`);
    }
    return (await call(sidecar.httpPort, "GET", path).catch(() => undefined))?.status === 204;
  }, `${sidecar.appId} ${path}`);
}

/** Repeats a check every 20 ms until it holds. @throws Error after 15 s. */
export async function waitFor(check: () => Promise<boolean>, what: string): Promise<void> {
  const endsAt = Date.now() + readyTimeoutMs;
  while (!(await check())) {
    if (Date.now() > endsAt) throw new Error(`waited ${readyTimeoutMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** One HTTP call on a connection of its own. */
export function call(
  port: number,
  method: string,
  path: string,
  options: {
    readonly body?: string | Buffer;
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...{ host: "127.0.0.1", port, method, path, agent: false },
      headers: { ...options.headers },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    outgoing.once("error", reject);
    outgoing.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    outgoing.end(options.body);
  });
}
