import type { ServerResponse } from "node:http";
import { serversOrSkip, ZipkinServer } from "@outrigger/test-servers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { call, Mesh, waitFor } from "./mesh.ts";
import { type CollectedSpan, zipkinConfig } from "./span-collector.ts";

const servers = serversOrSkip("zipkin");

describe.skipIf(servers === undefined)("with a real Zipkin", () => {
  let zipkin: ZipkinServer;
  let mesh: Mesh;
  beforeAll(async () => {
    if (servers !== undefined) zipkin = await ZipkinServer.start(servers.zipkin);
  }, 90_000);
  afterAll(() => zipkin?.stop());
  beforeEach(() => {
    mesh = new Mesh();
  });
  afterEach(() => mesh.close());

  test("a chain of three apps is one trace, and each failure is marked", async () => {
    const extraConfig = zipkinConfig(`${zipkin.url}/api/v2/spans`);
    const env = { OTEL_BSP_SCHEDULE_DELAY: "100" };
    const last = await mesh.app((_request, response) => {
      response.writeHead(503).end("down");
    });
    // An app in the middle passes the context on, as every app with OpenTelemetry does.
    let middlePort = 0;
    const relay = async (traceparent: string, response: ServerResponse): Promise<void> => {
      const path = "/v1.0/invoke/last/method/pay";
      const answer = await call(middlePort, "GET", path, { headers: { traceparent } });
      response.writeHead(answer.status).end(answer.body);
    };
    const middle = await mesh.app((request, response) => {
      const { traceparent } = request.headers;
      if (request.url !== "/relay" || typeof traceparent !== "string") response.end();
      else void relay(traceparent, response);
    });
    const [, middleSidecar, first] = await Promise.all([
      mesh.sidecar("last", { appPort: last.port, extraConfig, env }),
      mesh.sidecar("middle", { appPort: middle.port, extraConfig, env }),
      mesh.sidecar("first", { extraConfig, env }),
    ]);
    middlePort = middleSidecar.httpPort;

    const answer = await call(first.httpPort, "GET", "/v1.0/invoke/middle/method/relay");
    expect(answer).toMatchObject({ status: 503, body: "down" });
    const traceId = String(answer.headers.traceparent).slice(3, 35);
    let spans: readonly CollectedSpan[] = [];
    await waitFor(async () => {
      const found = await zipkin.get(`/api/v2/trace/${traceId}`).catch(() => []);
      spans = found as CollectedSpan[];
      return spans.length === 4;
    }, "four spans in Zipkin");

    const chain: (readonly [string, string, string, boolean])[] = [];
    let parent: string | undefined;
    for (let depth = 0; depth < 4; depth++) {
      const span = spans.find(({ parentId }) => parentId === parent);
      if (span === undefined) break;
      const { kind, name, localEndpoint, tags } = span;
      chain.push([localEndpoint.serviceName, kind, name, "error" in tags]);
      parent = span.id;
    }
    expect(chain).toEqual([
      ["first", "CLIENT", "calllocal/middle/relay", true],
      ["middle", "SERVER", "calllocal/middle/relay", false],
      ["middle", "CLIENT", "calllocal/last/pay", true],
      ["last", "SERVER", "calllocal/last/pay", false],
    ]);
    const services = await zipkin.get("/api/v2/services");
    expect(services).toEqual(["first", "last", "middle"]);
  });
});
