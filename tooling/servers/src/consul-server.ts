import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { ServerProcess } from "./server-process.ts";

const readyLimitMs = 20_000;

/** A Consul agent on loopback, which can be ended and started again at the same address. */
export class ConsulServer {
  readonly address: string;
  readonly serfPort: number;
  readonly #binary: string;
  readonly #ports: readonly number[];
  readonly #config: object;
  readonly #dev: boolean;
  readonly #token: string | undefined;
  readonly #folder: string;
  #process: ServerProcess | undefined;

  constructor(
    binary: string,
    ports: readonly number[],
    { config = {}, dev = true, token }: { config?: object; dev?: boolean; token?: string } = {},
  ) {
    this.#binary = binary;
    this.#ports = ports;
    this.#config = config;
    this.#dev = dev;
    this.#token = token;
    this.#folder = mkdtempSync(join(tmpdir(), "outrigger-consul-"));
    this.address = `127.0.0.1:${ports[0]}`;
    this.serfPort = ports[1] ?? 0;
  }

  static async start(
    binary: string,
    options: { config?: object; token?: string } = {},
  ): Promise<ConsulServer> {
    const server = new ConsulServer(binary, await freePorts(4), options);
    await server.start();
    return server;
  }

  /** Starts it, and waits until there is a leader. In development mode it remembers nothing. */
  async start(): Promise<void> {
    this.launch();
    await this.ready();
  }

  launch(): void {
    const [http, serfLan, serfWan, server] = this.#ports;
    const config = join(this.#folder, "config.json");
    const ports = { http, serf_lan: serfLan, serf_wan: serfWan, server, dns: -1, grpc: -1 };
    const given = { ports: { ...ports, grpc_tls: -1 }, ...this.#config };
    writeFileSync(config, JSON.stringify({ bind_addr: "127.0.0.1", log_level: "warn", ...given }));
    const mode = this.#dev ? ["-dev"] : ["-data-dir", join(this.#folder, "data")];
    const parameters = ["agent", ...mode, "-config-file", config, "-node", `node-${http}`];
    this.#process = new ServerProcess(this.#binary, parameters);
  }

  async ready(): Promise<void> {
    await this.#process?.ready(async () => {
      const leader = await this.get(`/v1/health/node/node-${this.#ports[0]}`);
      if (!Array.isArray(leader) || leader.length === 0) throw new Error("no checks yet");
    }, readyLimitMs);
  }

  async get(path: string): Promise<unknown> {
    return (await this.#fetch("GET", path)).json();
  }

  async put(path: string, body?: object): Promise<Response> {
    return this.#fetch("PUT", path, body);
  }

  /** Ends it as a failed machine would for its peers: without leaving. */
  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #fetch(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(`http://${this.address}${path}`, {
      method,
      headers: this.#token === undefined ? {} : { "X-Consul-Token": this.#token },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

/** What an instance in Consul consists of, as Dapr's sidecars register it. */
export function daprService(
  instance: { appId: string; host: string; internalPort: number; httpPort: number },
  meta: Readonly<Record<string, string>> = {},
  status = "passing",
): object {
  const { appId, host, internalPort, httpPort } = instance;
  return {
    ID: `${appId}-${host}-${httpPort}`,
    Name: appId,
    Address: host,
    Port: 80,
    Meta: { ...meta, DAPR_PORT: String(internalPort) },
    Checks: [{ CheckID: `daprHealth:${appId}-${host}-${httpPort}`, TTL: "60s", Status: status }],
  };
}
