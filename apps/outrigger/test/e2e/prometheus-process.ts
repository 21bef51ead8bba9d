import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@outrigger/test-servers";
import { call, waitFor } from "./mesh.ts";

/** A target to scrape, and the labels that a cluster would add. */
export interface ScrapeTarget {
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** One row of an answer. */
export interface Row {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** A real Prometheus that scrapes every half second, with files of its own. */
export class PrometheusProcess {
  readonly #folder = mkdtempSync(join(tmpdir(), "outrigger-prometheus-"));
  readonly #binary: string;
  #port = 0;
  #child: ChildProcess | undefined;
  #output = "";

  constructor(binary: string) {
    this.#binary = binary;
  }

  async start(targets: readonly ScrapeTarget[]): Promise<void> {
    [this.#port = 0] = await freePorts(1);
    const config = join(this.#folder, "prometheus.yml");
    const scrapes = targets.map(({ port, labels }) => ({
      targets: [`127.0.0.1:${port}`],
      labels,
    }));
    // JSON is YAML.
    writeFileSync(
      config,
      JSON.stringify({
        global: { scrape_interval: "500ms", scrape_timeout: "500ms" },
        scrape_configs: [{ job_name: "dapr", metrics_path: "/", static_configs: scrapes }],
      }),
    );
    const child = spawn(
      this.#binary,
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(this.#folder, "data")}`,
        `--web.listen-address=127.0.0.1:${this.#port}`,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#child = child;
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
    await waitFor(async () => {
      if (child.exitCode !== null) throw new Error(`prometheus ended: ${this.#output}`);
      return (await call(this.#port, "GET", "/-/ready").catch(() => undefined))?.status === 200;
    }, "prometheus /-/ready");
  }

  /** @throws Error for a query that Prometheus does not take. */
  async query(expression: string): Promise<readonly Row[]> {
    const path = `/api/v1/query?query=${encodeURIComponent(expression)}`;
    const { status, body } = await call(this.#port, "GET", path);
    if (status !== 200) throw new Error(`${expression}: ${body}`);
    return (JSON.parse(body) as { data: { result: readonly Row[] } }).data.result;
  }

  /** Values of a label, as a dashboard's picker asks for them. */
  async labelValues(metric: string, label: string): Promise<readonly string[]> {
    const path = `/api/v1/label/${label}/values?match[]=${encodeURIComponent(metric)}`;
    return (JSON.parse((await call(this.#port, "GET", path)).body) as { data: string[] }).data;
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "close");
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
