import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as it came, in Zipkin's form. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly kind: string;
  readonly name: string;
  readonly localEndpoint: { readonly serviceName: string };
  readonly tags: Readonly<Record<string, string>>;
}

/** Takes spans as Zipkin does, or fails as told. */
export interface SpanCollector {
  readonly url: string;
  readonly spans: CollectedSpan[];
  close(): Promise<void>;
}

export async function startCollector(): Promise<SpanCollector> {
  const spans: CollectedSpan[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    spans.push(...(JSON.parse(Buffer.concat(chunks).toString()) as CollectedSpan[]));
    response.writeHead(202).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v2/spans`,
    spans,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A Configuration with nothing but tracing. */
export function tracingConfig(lines: readonly string[]): string {
  return [
    "apiVersion: dapr.io/v1alpha1",
    "kind: Configuration",
    "metadata:",
    "  name: tracing",
    "spec:",
    "  tracing:",
    ...lines.map((line) => `    ${line}`),
    "",
  ].join("\n");
}

/** Sends every span to the collector. */
export function zipkinConfig(url: string, rate = "1"): string {
  return tracingConfig([`samplingRate: "${rate}"`, "zipkin:", `  endpointAddress: ${url}`]);
}
