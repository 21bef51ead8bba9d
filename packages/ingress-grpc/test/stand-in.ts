import {
  type ComponentContext,
  type Ingress,
  type InvokeRequest,
  type InvokeResponse,
  type ProxyCall,
  type ProxyResponse,
  type Sidecar,
  silentLogger,
  type Tracer,
} from "@outrigger/core";
import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import { type IngressGrpcOptions, ingressGrpc } from "@outrigger/ingress-grpc";
import { afterEach } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export function onCleanup(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export const logged: string[] = [];

export function testContext(): ComponentContext {
  logged.length = 0;
  const log = {
    ...silentLogger,
    log: (_level: string, message: string) => void logged.push(message),
    scope: () => log,
  };
  return { appId: "me", namespace: "default", log, now: Date.now, random: Math.random };
}

export interface SidecarParts {
  invoke?(request: InvokeRequest): Promise<InvokeResponse>;
  proxy?(call: ProxyCall): Promise<ProxyResponse>;
  requestShutdown?(force: boolean): void;
}

export const extended = new Map<string, string>();

export function sidecar(parts: SidecarParts): Sidecar {
  const unexpected = (): never => {
    throw new Error("unexpected call");
  };
  return {
    appId: "me",
    namespace: "default",
    health: { unready: () => [], outboundReady: () => true },
    metadata: {
      snapshot: () => ({
        id: "me",
        initialized: true,
        extended: Object.fromEntries(extended),
        runtimeVersion: "1.18.3",
        enabledFeatures: [],
        components: [],
        httpEndpoints: [],
        resiliencies: [],
        appConnection: {
          port: 9,
          protocol: "grpc",
          channelAddress: "127.0.0.1",
          maxConcurrency: 0,
        },
      }),
      set: (key, value) => void extended.set(key, value),
    },
    invoke: parts.invoke ?? unexpected,
    proxy: parts.proxy ?? unexpected,
    requestShutdown: parts.requestShutdown ?? unexpected,
  };
}

export async function startIngress(
  parts: SidecarParts,
  options: IngressGrpcOptions = {},
  tracer?: Tracer,
): Promise<{ ingress: Ingress; port: number }> {
  const create = ingressGrpc({ hosts: ["127.0.0.1"], port: 0, ...options });
  const ingress = create({ ...testContext(), tracer }, sidecar(parts));
  onCleanup(() => ingress.stop?.());
  await ingress.start?.(new AbortController().signal);
  return { ingress, port: ingress.addresses()[0]?.port ?? 0 };
}

export interface Answer {
  readonly code: number;
  readonly message: string;
  readonly detailsBin: Uint8Array | undefined;
  readonly headers: string;
  readonly trailers: string;
  readonly data: Uint8Array | undefined;
  readonly compressed: boolean;
}

export async function unary(
  port: number,
  path: string,
  message: Uint8Array,
  headers: readonly string[] = [],
  compressed = false,
): Promise<Answer> {
  const client = new GrpcClient({ host: "127.0.0.1", port });
  onCleanup(() => client.close());
  const signal = AbortSignal.timeout(5_000);
  const body = frameMessage(message, compressed);
  const response = await client.call({ path, headers, body, signal });
  const frame = await response.messages.read();
  if (response.status === undefined) await response.messages.read();
  return {
    code: response.status?.code ?? -1,
    message: response.status?.message ?? "",
    detailsBin: response.status?.detailsBin,
    headers: response.headers.join("|"),
    trailers: response.trailers.join("|"),
    data: frame?.data,
    compressed: frame?.compressed ?? false,
  };
}
