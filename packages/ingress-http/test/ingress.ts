import { once } from "node:events";
import { connect } from "node:net";
import {
  type Ingress,
  type InvokeRequest,
  type InvokeResponse,
  MetadataStore,
  type Sidecar,
  silentLogger,
} from "@outrigger/core";
import { type IngressHttpOptions, ingressHttp } from "@outrigger/ingress-http";

/** An answer of an app over HTTP. */
export function appAnswer(changes: Partial<InvokeResponse> = {}): InvokeResponse {
  return {
    status: { code: 200, message: "", details: [] },
    headers: [],
    trailers: [],
    contentType: "text/plain",
    typeUrl: "",
    body: Buffer.from("ok"),
    ...changes,
  };
}

/** A sidecar that records what the ingress asks of it. */
export class FakeSidecar implements Sidecar {
  readonly appId = "caller";
  readonly namespace = "default";
  readonly calls: InvokeRequest[] = [];
  readonly shutdowns: boolean[] = [];
  unready: readonly string[] = [];
  answer: (request: InvokeRequest) => Promise<InvokeResponse> = async () => appAnswer();
  readonly metadata: MetadataStore = new MetadataStore("caller", {
    runtimeVersion: "1.18.3",
    enabledFeatures: [],
    components: [],
    httpEndpoints: [],
    resiliencies: [],
    appConnection: {
      port: 3000,
      protocol: "http",
      channelAddress: "127.0.0.1",
      maxConcurrency: 0,
      health: { path: "/healthz", intervalMs: 5_000, timeoutMs: 500, threshold: 3 },
    },
  });
  readonly health = { unready: () => this.unready, outboundReady: () => true };

  invoke(request: InvokeRequest): Promise<InvokeResponse> {
    this.calls.push(request);
    return this.answer(request);
  }

  proxy(): Promise<never> {
    return Promise.reject(new Error("nothing is proxied here"));
  }

  requestShutdown(force: boolean): void {
    this.shutdowns.push(force);
  }
}

/** A started ingress on a free loopback port. */
export interface RunningIngress {
  readonly ingress: Ingress;
  readonly sidecar: FakeSidecar;
  readonly port: number;
}

/** Starts an ingress; the caller stops it. */
export async function startIngress(options: IngressHttpOptions = {}): Promise<RunningIngress> {
  const sidecar = new FakeSidecar();
  const factory = ingressHttp({ hosts: ["127.0.0.1"], port: 0, traceContext: false, ...options });
  const ingress = factory(
    {
      appId: "caller",
      namespace: "default",
      log: silentLogger,
      now: Date.now,
      random: Math.random,
    },
    sidecar,
  );
  await ingress.start?.(AbortSignal.timeout(5_000));
  return { ingress, sidecar, port: ingress.addresses()[0]?.port ?? 0 };
}

/** Sends bytes on a connection of their own and gives everything that comes back until it ends. */
export async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(text, "latin1");
  await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}

/** A GET that asks the server to hang up afterwards by speaking HTTP/1.0. */
export function get(port: number, path: string, headers: readonly string[] = []): Promise<string> {
  return exchange(port, [`GET ${path} HTTP/1.0`, ...headers, "", ""].join("\r\n"));
}
