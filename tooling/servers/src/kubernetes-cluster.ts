import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { KubernetesApi } from "./kubernetes-api.ts";
import { ServerProcess } from "./server-process.ts";

const etcdLimitMs = 15_000;
const apiServerLimitMs = 45_000;
const adminToken = "admin";
const issuer = "https://kubernetes.default.svc";

/** Binaries that make up a cluster. */
export interface ClusterBinaries {
  readonly etcd: string;
  readonly "kube-apiserver": string;
}

/**
 * The control plane of a Kubernetes cluster on loopback: etcd and an API server that enforces RBAC.
 * There are no controllers, scheduler or kubelets, so objects stay as they were created: what a
 * controller would add (Endpoints of a Service, the phase of a pod) is up to the test.
 */
export class KubernetesCluster {
  readonly server: URL;
  /** PEM of the key that signs the tokens of service accounts, to make some that are not right. */
  readonly signingKey: string;
  readonly #folder: string;
  readonly #binaries: ClusterBinaries;
  readonly #etcdPorts: readonly number[];
  #etcd: ServerProcess | undefined;
  #apiServer: ServerProcess | undefined;

  private constructor(binaries: ClusterBinaries, ports: readonly number[]) {
    const [port, ...etcdPorts] = ports;
    this.#binaries = binaries;
    this.#etcdPorts = etcdPorts;
    this.#folder = mkdtempSync(join(tmpdir(), "outrigger-cluster-"));
    this.server = new URL(`https://127.0.0.1:${port}`);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    this.signingKey = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  }

  /** Starts both servers; they and their files are gone after `stop()`. */
  static async start(binaries: ClusterBinaries): Promise<KubernetesCluster> {
    const cluster = new KubernetesCluster(binaries, await freePorts(3));
    try {
      await cluster.#startEtcd();
      await cluster.startApiServer();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** PEM of the API server's own root. */
  get ca(): string {
    return readFileSync(join(this.#folder, "tls/apiserver.crt"), "utf8");
  }

  /** Requests on behalf of the bearer of a token; default an administrator. */
  api(token: string = adminToken): KubernetesApi {
    return new KubernetesApi(this.server, this.ca, token);
  }

  /** Starts the API server again, at the same address and with the same objects. */
  async startApiServer(): Promise<void> {
    const file = (name: string, text: string): string => {
      const path = join(this.#folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const key = file("service-accounts.key", this.signingKey);
    this.#apiServer = new ServerProcess(this.#binaries["kube-apiserver"], [
      `--etcd-servers=http://127.0.0.1:${this.#etcdPorts[0]}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${this.server.port}`,
      `--cert-dir=${join(this.#folder, "tls")}`,
      // Loopback cannot be advertised; nothing is ever sent to this address.
      "--advertise-address=10.0.0.1",
      "--endpoint-reconciler-type=none",
      "--service-cluster-ip-range=10.0.0.0/24",
      "--authorization-mode=RBAC",
      `--token-auth-file=${file("tokens.csv", `${adminToken},admin,1,"system:masters"\n`)}`,
      `--service-account-issuer=${issuer}`,
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      // It would wait for tokens that only a controller makes.
      "--disable-admission-plugins=ServiceAccount",
    ]);
    await this.#apiServer.ready(() => this.api().get("/readyz"), apiServerLimitMs);
  }

  async stopApiServer(): Promise<void> {
    await this.#apiServer?.stop();
    this.#apiServer = undefined;
  }

  async stop(): Promise<void> {
    await this.stopApiServer();
    await this.#etcd?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #startEtcd(): Promise<void> {
    const [client, peer] = this.#etcdPorts.map((port) => `http://127.0.0.1:${port}`);
    this.#etcd = new ServerProcess(this.#binaries.etcd, [
      `--data-dir=${join(this.#folder, "etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ]);
    const probe = async (): Promise<void> => {
      const { status } = await fetch(`${client}/health`);
      if (status !== 200) throw new Error(`status ${status}`);
    };
    await this.#etcd.ready(probe, etcdLimitMs);
  }
}
