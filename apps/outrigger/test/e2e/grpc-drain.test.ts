import { once } from "node:events";
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import { daprPaths, decodeInvokeResponse, encodeInvokeServiceRequest } from "@outrigger/protocol";
import { freePorts } from "@outrigger/test-servers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Mesh, type SidecarProcess, waitFor } from "./mesh.ts";

let mesh: Mesh;
let cleanups: (() => unknown)[];
beforeEach(() => {
  mesh = new Mesh();
  cleanups = [() => mesh.close()];
});
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

const word = Buffer.from(frameMessage(Buffer.from("word")));

/** A gRPC app that answers each stream with one message at once and ends it when it is told to. */
async function heldGrpcApp(): Promise<{ port: number; held: ServerHttp2Stream[] }> {
  const held: ServerHttp2Stream[] = [];
  const server = createServer();
  server.on("session", (session) => cleanups.push(() => session.destroy()));
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.write(word);
    held.push(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, held };
}

/** A sidecar whose gRPC port is known. */
async function grpcSidecar(
  appId: string,
  appPort?: number,
  protocol = "http",
): Promise<{ sidecar: SidecarProcess; port: number }> {
  const [port = 0] = await freePorts(1);
  const flags = ["--dapr-grpc-port", `${port}`, "--app-protocol", protocol];
  flags.push("--dapr-graceful-shutdown-seconds", "20");
  const options = appPort === undefined ? { flags } : { flags, appPort };
  return { sidecar: await mesh.sidecar(appId, options), port };
}

function exitOf({ child }: SidecarProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", resolve));
}

function session(port: number): ClientHttp2Session {
  const client = connect(`http://127.0.0.1:${port}`);
  client.on("error", () => undefined);
  cleanups.push(() => client.destroy());
  return client;
}

/** How a new client of a port fares. */
async function refusal(port: number): Promise<string> {
  const client = connect(`http://127.0.0.1:${port}`);
  try {
    await once(client, "connect");
    return "connected";
  } catch (reason) {
    return reason instanceof Error && "code" in reason ? String(reason.code) : "unknown";
  } finally {
    client.destroy();
  }
}

test("a proxied stream outlives the signal to both sidecars, which take no new calls", async () => {
  const app = await heldGrpcApp();
  const callee = await grpcSidecar("stream-callee", app.port, "grpc");
  const caller = await grpcSidecar("stream-caller");
  const client = session(caller.port);
  const stream = client.request({
    ...{ ":method": "POST", ":path": "/user.Service/Talk", te: "trailers" },
    ...{ "content-type": "application/grpc", "dapr-app-id": "stream-callee" },
  });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const trailers = once(stream, "trailers");
  const goaway = once(client, "goaway");
  stream.write(word);
  await waitFor(async () => Buffer.concat(chunks).length === word.length, "the first answer");

  const exits = [exitOf(caller.sidecar), exitOf(callee.sidecar)];
  caller.sidecar.child.kill("SIGTERM");
  callee.sidecar.child.kill("SIGTERM");
  expect((await goaway)[0]).toBe(0);
  await waitFor(async () => (await refusal(caller.port)) === "ECONNREFUSED", "a closed port");
  await waitFor(async () => (await refusal(callee.port)) === "ECONNREFUSED", "a closed port");

  // The app answers after the signal: what it sends still arrives, then everything ends well.
  app.held[0]?.end(word);
  stream.end();
  expect((await trailers)[0]).toMatchObject({ "grpc-status": "0" });
  expect(Buffer.concat(chunks)).toEqual(Buffer.concat([word, word]));
  expect(await Promise.all(exits)).toEqual([0, 0]);
});

test("InvokeService and the call between the sidecars finish after the signal to both", async () => {
  let answer: (() => void) | undefined;
  const app = await mesh.app((request, response) => {
    // The sidecar asks the app for its settings, too.
    if (request.url === "/slow") answer = () => response.end("late");
    else response.end();
  });
  const callee = await grpcSidecar("unary-callee", app.port);
  const caller = await grpcSidecar("unary-caller");
  const client = new GrpcClient({ host: "127.0.0.1", port: caller.port });
  cleanups.push(() => client.close());
  const message = {
    ...{ method: "slow", contentType: "", data: { typeUrl: "", value: new Uint8Array() } },
    httpExtension: { verb: "GET", querystring: "" },
  };
  const invoke = async (): Promise<string> => {
    const response = await client.call({
      path: daprPaths.InvokeService,
      headers: [],
      body: frameMessage(encodeInvokeServiceRequest({ id: "unary-callee", message })),
    });
    const frame = await response.messages.read();
    while (response.status === undefined) await response.messages.read();
    if (frame === undefined) return `status ${response.status.code} ${response.status.message}`;
    return Buffer.from(decodeInvokeResponse(frame.data).data?.value ?? []).toString();
  };
  const running = invoke();
  await waitFor(async () => answer !== undefined, "the call at the app");

  const exits = [exitOf(caller.sidecar), exitOf(callee.sidecar)];
  caller.sidecar.child.kill("SIGTERM");
  callee.sidecar.child.kill("SIGTERM");
  await waitFor(async () => (await refusal(caller.port)) === "ECONNREFUSED", "a closed port");
  // After the GOAWAY the client dials anew, and nobody listens.
  expect(await invoke()).toMatch(/^status 14 /);
  answer?.();
  expect(await running).toBe("late");
  expect(await Promise.all(exits)).toEqual([0, 0]);
});
