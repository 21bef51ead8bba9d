import { readFileSync } from "node:fs";
import { request } from "node:http";
import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import { daprPaths, decodeInvokeResponse, encodeInvokeServiceRequest } from "@outrigger/protocol";
import { freePorts } from "@outrigger/test-servers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { type AppProtocol, type ProtocolApp, startProtocolApp } from "./protocol-apps.ts";

const protocols = ["http", "https", "h2c", "grpc", "grpcs"] as const;
const mesh = new Mesh();
const apps = new Map<AppProtocol, ProtocolApp>();
let caller: SidecarProcess;
let client: GrpcClient;

beforeAll(async () => {
  const [grpcPort = 0] = await freePorts(1);
  const started = protocols.map(async (protocol) => {
    const app = await startProtocolApp(protocol);
    apps.set(protocol, app);
    await mesh.sidecar(`app-${protocol}`, {
      appPort: app.port,
      flags: ["--app-protocol", protocol],
    });
  });
  const flags = ["--dapr-grpc-port", `${grpcPort}`];
  [caller] = await Promise.all([mesh.sidecar("caller", { flags }), ...started]);
  client = new GrpcClient({ host: "127.0.0.1", port: grpcPort });
});

afterAll(async () => {
  client?.close();
  await mesh.close();
  await Promise.all([...apps.values()].map((app) => app.kill()));
});

/** HTTP versions that apps see; gRPC apps are not told any. */
const versions = { http: "1.1", https: "1.1", h2c: "2.0", grpc: undefined, grpcs: undefined };

describe.each(protocols)("an app that speaks %s", (protocol) => {
  const isGrpc = protocol.startsWith("grpc");
  const path = (method: string): string => `/v1.0/invoke/app-${protocol}/method/${method}`;

  test("is called through the HTTP API", async () => {
    const answer = await call(caller.httpPort, "PUT", `${path("a/b")}?x=1&y`, {
      body: "hello",
      headers: { "x-custom": "mine" },
    });
    expect(answer).toMatchObject({
      status: isGrpc ? 200 : 202,
      headers: { "content-type": "application/json", "x-reply": "yes" },
    });
    const version = versions[protocol];
    expect(JSON.parse(answer.body)).toEqual({
      ...{ verb: "PUT", path: "a/b", query: "x=1&y", body: "hello", custom: "mine" },
      ...(version === undefined ? {} : { version }),
    });
  });

  test("is called through the gRPC API", async () => {
    const response = await client.call({
      path: daprPaths.InvokeService,
      headers: ["x-custom", "mine"],
      body: frameMessage(
        encodeInvokeServiceRequest({
          id: `app-${protocol}`,
          message: {
            ...{ method: "a/b", contentType: "text/plain" },
            data: { typeUrl: "", value: Buffer.from("hello") },
            httpExtension: { verb: "POST", querystring: "x=1" },
          },
        }),
      ),
    });
    const frame = await response.messages.read();
    while (response.status === undefined) await response.messages.read();
    expect(response.status.code).toBe(0);
    const message = decodeInvokeResponse(frame?.data ?? new Uint8Array(0));
    expect(message.contentType).toBe("application/json");
    expect(JSON.parse(Buffer.from(message.data?.value ?? []).toString())).toMatchObject({
      ...{ verb: "POST", path: "a/b", query: "x=1", body: "hello", custom: "mine" },
    });
    const names = [...response.headers, ...response.trailers];
    expect(names[names.indexOf("x-reply") + 1]).toBe("yes");
  });

  test("gets a streamed body whole, and so does its caller", async () => {
    const parts = Array.from({ length: 48 }, (_, index) => Buffer.alloc(65_536, index));
    const echoed = await upload(path("upload"), parts);
    expect(echoed.length).toBe(3_145_728);
    expect(Buffer.concat(parts).equals(echoed)).toBe(true);
  });

  test("fails calls while it is away, and works again after it came back", async () => {
    const app = apps.get(protocol) as ProtocolApp;
    const hanging = call(caller.httpPort, "POST", path("hang"), { body: "x" });
    await app.hanging;
    expect(openSockets(app.port)).toBeGreaterThan(0);
    await app.kill();
    expect((await hanging).status).toBe(isGrpc ? 503 : 500);
    for (let round = 0; round < 3; round++) {
      const answer = await call(caller.httpPort, "POST", path("m"), { body: "x" });
      expect(answer.status).toBe(isGrpc ? 503 : 500);
      const text = `dial tcp 127.0.0.1:${app.port}: connect: connection refused`;
      expect(answer.body).toContain(text);
    }
    await waitFor(async () => openSockets(app.port) === 0, "sockets to close");
    apps.set(protocol, await startProtocolApp(protocol, app.port));
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call(caller.httpPort, "POST", path("m"), { body: "x" })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => (isGrpc ? 200 : 202)));
  });
});

/** Connections with this port at either end that are established or wait for their owner to close. */
function openSockets(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const open = new RegExp(`:${hex} [^ ]+ (?:01|08) |:${hex} (?:01|08) `);
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .filter((line) => open.test(line)).length;
}

/** Sends the parts as chunks. Resolves with the body of the answer. */
function upload(path: string, parts: readonly Buffer[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...{ host: "127.0.0.1", port: caller.httpPort, method: "POST", path, agent: false },
      headers: { "transfer-encoding": "chunked", "content-type": "a/b" },
    });
    outgoing.once("error", reject);
    outgoing.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => resolve(Buffer.concat(chunks)));
    });
    for (const part of parts) outgoing.write(part);
    outgoing.end();
  });
}
