import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type {
  ArrivedSpan,
  CollectorConduct,
  ConformanceSetup,
  TracingSubject,
} from "@outrigger/conformance";
import { tracingConformance } from "@outrigger/conformance/vitest";
import { tracing } from "@outrigger/tracing";
import { tracingZipkin, type ZipkinSpan } from "@outrigger/tracing-zipkin";

function read(span: ZipkinSpan): ArrivedSpan {
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.id,
    parentSpanId: span.parentId,
    kind: span.kind === "CLIENT" ? "client" : "server",
    service: span.localEndpoint.serviceName,
    attributes: span.tags,
    failed: "error" in span.tags,
  };
}

async function setup(): Promise<ConformanceSetup<TracingSubject>> {
  const spans: ArrivedSpan[] = [];
  let conduct: CollectorConduct = "takes";
  const server = createServer(async (request, response) => {
    const its = conduct;
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    if (its === "hangs") return;
    if (its === "takes") spans.push(...(JSON.parse(body) as ZipkinSpan[]).map(read));
    response.writeHead(its === "takes" ? 202 : 400).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const exporter = tracingZipkin({ url: `http://127.0.0.1:${port}/api/v2/spans` });
  return {
    subject: {
      create: (settings, context) => tracing({ ...settings, exporters: [exporter] })(context),
      collector: {
        arrived: () => spans,
        behave: (next) => {
          conduct = next;
        },
      },
    },
    teardown: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

tracingConformance({ name: "@outrigger/tracing-zipkin", setup });
