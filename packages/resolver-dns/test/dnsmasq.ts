import { Resolver } from "node:dns/promises";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, ServerProcess } from "@outrigger/test-servers";

const readyLimitMs = 5_000;

/** A real name server on loopback that knows what the test tells it, and asks nobody else. */
export class Dnsmasq {
  readonly address: string;
  readonly #binary: string;
  readonly #port: number;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "outrigger-dns-"));
  #process: ServerProcess | undefined;

  private constructor(binary: string, port: number) {
    this.#binary = binary;
    this.#port = port;
    this.address = `127.0.0.1:${port}`;
  }

  /** @param lines of its configuration, for example `host-record=name,127.0.0.1` */
  static async start(binary: string, lines: readonly string[] = []): Promise<Dnsmasq> {
    const [port = 0] = await freePorts(1);
    const server = new Dnsmasq(binary, port);
    await server.serve(lines);
    return server;
  }

  /** Starts it again with another configuration. */
  async serve(lines: readonly string[]): Promise<void> {
    await this.stop();
    const file = join(this.#folder, "dnsmasq.conf");
    writeFileSync(file, `${[...lines, "txt-record=ready.test,yes"].join("\n")}\n`);
    this.#process = new ServerProcess(this.#binary, [
      "--keep-in-foreground",
      `--conf-file=${file}`,
      `--port=${this.#port}`,
      "--listen-address=127.0.0.1",
      "--bind-interfaces",
      "--no-resolv",
      "--no-hosts",
      "--no-poll",
      "--local=/test/",
      "--user=",
      "--group=",
      "--pid-file=",
      "--log-queries",
      `--log-facility=${this.#log}`,
    ]);
    const resolver = new Resolver({ timeout: 100, tries: 1 });
    resolver.setServers([this.address]);
    await this.#process.ready(() => resolver.resolveTxt("ready.test"), readyLimitMs);
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }

  /** Questions that it got about a name, or about all names but its own. */
  questions(name = ""): number {
    const lines = readFileSync(this.#log, "utf8").split("\n");
    return lines.filter((line) => /query\[(?!TXT)/.test(line) && line.includes(name)).length;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #log(): string {
    return join(this.#folder, "queries.log");
  }
}
