import { Resolver } from "node:dns/promises";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePorts, ServerProcess } from "@outrigger/test-servers";

/** Path of dnsmasq, or undefined when there is none; with `CI=true` that is an error. */
export function dnsmasqOrSkip(): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  const found = folders.map((folder) => join(folder, "dnsmasq")).find((path) => existsSync(path));
  if (found !== undefined) return found;
  const message = "no dnsmasq on this machine: apt-get install dnsmasq-base";
  if (process.env.CI === "true") throw new Error(message);
  process.stderr.write(`SKIPPED: ${message}\n`);
  return undefined;
}

/** A DNS server for `cluster.local` and `corp.example` on loopback; other names do not exist. */
export class Dnsmasq {
  readonly #binary: string;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "outrigger-dns-"));
  #port = 0;
  #process: ServerProcess | undefined;

  constructor(binary: string) {
    this.#binary = binary;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Starts, again at the same port, with these addresses by name. */
  async serve(records: Readonly<Record<string, readonly string[]>>, ttlSeconds = 0): Promise<void> {
    await this.#process?.stop();
    if (this.#port === 0) [this.#port = 0] = await freePorts(1);
    const all = { "ready.cluster.local": ["10.0.0.1"], ...records };
    const lines = Object.entries(all).flatMap(([name, list]) =>
      list.map((one) => `${one} ${name}`),
    );
    const hosts = join(this.#folder, "hosts");
    writeFileSync(hosts, `${lines.join("\n")}\n`);
    this.#process = new ServerProcess(this.#binary, [
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      `--pid-file=${join(this.#folder, "pid")}`,
      "--user=",
      "--no-resolv",
      "--no-hosts",
      `--addn-hosts=${hosts}`,
      "--local=/cluster.local/corp.example/",
      `--local-ttl=${ttlSeconds}`,
      "--listen-address=127.0.0.1",
      "--bind-interfaces",
      `--port=${this.#port}`,
    ]);
    const client = new Resolver({ timeout: 200, tries: 1 });
    client.setServers([this.address]);
    await this.#process.ready(() => client.resolve4("ready.cluster.local"), 5_000);
  }

  /** Stops; `serve` starts it again. */
  async pause(): Promise<void> {
    await this.#process?.stop();
  }

  async stop(): Promise<void> {
    await this.pause();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
