import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, ServerProcess } from "@outrigger/test-servers";

/** Whose program: Dapr's or ours. */
export type Maker = "dapr" | "outrigger";

/** Dapr's programs. */
export interface DaprBinaries {
  readonly sentry: string;
  readonly daprd: string;
}

const bin = join(import.meta.dirname, "../../../apps/outrigger/bin");
const readyLimitMs = 30_000;

const sentryConfiguration = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: sentry
spec:
  mtls:
    enabled: true
    workloadCertTTL: 24h
`;

/** Both callers may use /allowed, and nothing else. */
const accessConfiguration = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: access
spec:
  accessControl:
    defaultAction: deny
    trustDomain: public
    policies:
${["dapr-caller", "outrigger-caller"]
  .map(
    (appId) => `    - appId: ${appId}
      defaultAction: deny
      trustDomain: public
      namespace: default
      operations: [{ name: /allowed, httpVerb: ["*"], action: allow }]
`,
  )
  .join("")}`;

/** Sidecars of both makers, with mutual TLS by one Sentry, in front of one app. */
export class MixedMesh {
  readonly #folder = mkdtempSync(join(tmpdir(), "outrigger-dapr-peers-"));
  readonly #dapr: DaprBinaries;
  readonly #processes: ServerProcess[] = [];
  readonly #app: Server = createServer(describeRequest);
  readonly #httpPorts = new Map<string, number>();

  private constructor(dapr: DaprBinaries) {
    this.#dapr = dapr;
  }

  /** Starts callers `<maker>-caller` and callees `<maker>-callee`; waits until all are ready. */
  static async start(dapr: DaprBinaries, sentryMaker: Maker): Promise<MixedMesh> {
    const mesh = new MixedMesh(dapr);
    try {
      await mesh.#startAll(sentryMaker);
      return mesh;
    } catch (error) {
      await mesh.stop();
      throw error;
    }
  }

  /** Address of a method, as the caller's app would call it. */
  url(caller: Maker, callee: Maker, method: string): string {
    const port = this.#httpPorts.get(`${caller}-caller`);
    return `http://127.0.0.1:${port}/v1.0/invoke/${callee}-callee/method/${method}`;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
    this.#app.close();
    this.#app.closeAllConnections();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #startAll(sentryMaker: Maker): Promise<void> {
    this.#app.listen(0, "127.0.0.1");
    await once(this.#app, "listening");
    const address = this.#app.address();
    const appPort = typeof address === "object" ? address?.port : undefined;
    const sentry = await this.#startSentry(sentryMaker);
    await Promise.all(
      (["dapr", "outrigger"] as const).flatMap((maker) => [
        this.#startSidecar(maker, `${maker}-callee`, sentry, ["--app-port", `${appPort}`]),
        this.#startSidecar(maker, `${maker}-caller`, sentry, []),
      ]),
    );
  }

  /** Returns the flags and variables that a sidecar needs to know it. */
  async #startSentry(maker: Maker): Promise<SentryAccess> {
    const [port = 0, health = 0, metrics = 0] = await freePorts(3);
    const credentials = join(this.#folder, "credentials");
    mkdirSync(credentials);
    const config = join(this.#folder, "sentry.yaml");
    writeFileSync(config, sentryConfiguration);
    const sentry = this.#spawn(maker === "dapr" ? [this.#dapr.sentry] : ours("sentry.js"), [
      ...["--issuer-credentials", credentials, "--config", config, "--trust-domain", "localhost"],
      ...["--port", `${port}`, "--healthz-port", `${health}`, "--metrics-port", `${metrics}`],
    ]);
    await sentry.ready(() => expectStatus(`http://127.0.0.1:${health}/healthz`, 200), readyLimitMs);
    return {
      address: `127.0.0.1:${port}`,
      anchors: readFileSync(join(credentials, "ca.crt"), "utf8"),
    };
  }

  async #startSidecar(
    maker: Maker,
    appId: string,
    { address, anchors }: SentryAccess,
    more: readonly string[],
  ): Promise<void> {
    const [http = 0, grpc = 0, internal = 0, metrics = 0] = await freePorts(4);
    const config = join(this.#folder, `${appId}.yaml`);
    writeFileSync(config, accessConfiguration);
    this.#httpPorts.set(appId, http);
    const flags = ["--app-id", appId, "--config", config, "--enable-mtls"];
    flags.push("--dapr-http-port", `${http}`, "--dapr-grpc-port", `${grpc}`);
    flags.push("--dapr-internal-grpc-port", `${internal}`, "--metrics-port", `${metrics}`);
    flags.push("--sentry-address", address, ...more);
    const sidecar = this.#spawn(maker === "dapr" ? [this.#dapr.daprd] : ours("daprd.js"), flags, {
      DAPR_TRUST_ANCHORS: anchors,
      DAPR_HOST_IP: "127.0.0.1",
      NAMESPACE: "default",
    });
    const outbound = `http://127.0.0.1:${http}/v1.0/healthz/outbound`;
    await sidecar.ready(() => expectStatus(outbound, 204), readyLimitMs);
  }

  #spawn(
    [binary = "", ...first]: readonly string[],
    flags: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): ServerProcess {
    const started = new ServerProcess(binary, [...first, ...flags], env);
    this.#processes.push(started);
    return started;
  }
}

interface SentryAccess {
  readonly address: string;
  /** PEM. */
  readonly anchors: string;
}

const describeRequest: NonNullable<Parameters<typeof createServer>[1]> = (request, response) => {
  let bodyBytes = 0;
  request.on("data", (chunk: Buffer) => {
    bodyBytes += chunk.length;
  });
  request.once("end", () => {
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, bodyBytes, from: headers["dapr-caller-app-id"] }));
  });
};

function ours(file: string): readonly string[] {
  return [process.execPath, join(bin, file)];
}

async function expectStatus(url: string, expected: number): Promise<void> {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  if (status !== expected) throw new Error(`${url} answered ${status}`);
}
