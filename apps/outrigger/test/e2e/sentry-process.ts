import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@outrigger/test-servers";
import { call, waitFor } from "./mesh.ts";

const bin = join(import.meta.dirname, "../../bin/sentry.js");

/** How a test wants its authority. Durations as Go writes them. */
export interface SentryOptions {
  readonly workloadCertTtl?: string;
  readonly allowedClockSkew?: string;
  readonly flags?: readonly string[];
}

/** A real certificate authority in a process of its own, with files of its own. */
export class SentryProcess {
  readonly folder: string = mkdtempSync(join(tmpdir(), "outrigger-sentry-"));
  readonly credentials: string = join(this.folder, "credentials");
  #ports: readonly number[] = [];
  #child: ChildProcess | undefined;
  #output = "";

  constructor({ workloadCertTtl = "24h", allowedClockSkew = "15m", ...rest }: SentryOptions = {}) {
    mkdirSync(this.credentials);
    this.#flags = rest.flags ?? [];
    writeFileSync(
      join(this.folder, "config.yaml"),
      `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: sentry
spec:
  mtls:
    enabled: true
    workloadCertTTL: ${workloadCertTtl}
    allowedClockSkew: ${allowedClockSkew}
`,
    );
  }

  readonly #flags: readonly string[];

  get address(): string {
    return `127.0.0.1:${this.#ports[0]}`;
  }

  get metricsPort(): number {
    return this.#ports[2] ?? 0;
  }

  get anchors(): string {
    return readFileSync(join(this.credentials, "ca.crt"), "utf8");
  }

  output(): string {
    return this.#output;
  }

  /** Starts on the same ports each time and waits until it is healthy. */
  async start(): Promise<void> {
    if (this.#ports.length === 0) this.#ports = await freePorts(3);
    const [port, healthz, metrics] = this.#ports;
    const flags = ["--issuer-credentials", this.credentials];
    flags.push("--config", join(this.folder, "config.yaml"), "--listen-address", "127.0.0.1");
    flags.push("--port", `${port}`, "--healthz-port", `${healthz}`, "--metrics-port", `${metrics}`);
    flags.push("--trust-domain", "localhost", ...this.#flags);
    const child = spawn(process.execPath, [bin, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    await waitFor(async () => {
      if (child.exitCode !== null) throw new Error(`sentry ended: ${this.#output}`);
      const health = await call(healthz ?? 0, "GET", "/healthz").catch(() => undefined);
      return health?.status === 200;
    }, "sentry /healthz");
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "close");
    child.kill("SIGTERM");
    await ended;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Flags and environment of a sidecar that gets its certificate here. */
  client(anchorsFile?: string): {
    flags: readonly string[];
    env: Readonly<Record<string, string>>;
  } {
    return {
      flags: ["--enable-mtls", "--sentry-address", this.address],
      env:
        anchorsFile === undefined
          ? { DAPR_TRUST_ANCHORS: this.anchors }
          : { DAPR_TRUST_ANCHORS_FILE: anchorsFile },
    };
  }
}
