import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { afterEach, expect, it } from "vitest";
import { Mesh } from "./mesh.ts";
import { componentText, pipelineConfig, resourcesFolder } from "./middleware-files.ts";

let mesh: Mesh;

afterEach(async () => {
  await mesh.close();
});

const both = { name: "both", type: "middleware.http.uppercase" };

/** A sidecar whose two pipelines change bodies both ways, and its app. */
async function start(listener: Parameters<Mesh["app"]>[0]): Promise<number> {
  mesh = new Mesh();
  const app = await mesh.app(listener);
  const { httpPort } = await mesh.sidecar("self", {
    appPort: app.port,
    config: pipelineConfig({ httpPipeline: [both], appHttpPipeline: [both] }),
    flags: [
      "--resources-path",
      resourcesFolder(mesh, [componentText(both, { direction: "both" })]),
    ],
  });
  return httpPort;
}

function open(port: number): ClientRequest {
  const path = "/v1.0/invoke/self/method/chat";
  const client = request({ host: "127.0.0.1", port, method: "POST", path, agent: false });
  client.on("error", () => undefined);
  return client;
}

async function chunkOf(stream: IncomingMessage): Promise<string> {
  const [chunk]: readonly Buffer[] = await once(stream, "data");
  return String(chunk);
}

it("passes parts of both bodies on while both are under way", async () => {
  const port = await start((incoming, response) => {
    incoming.on("data", (chunk: Buffer) => response.write(`got ${chunk}`));
    incoming.once("end", () => response.end("end"));
  });
  const client = open(port);
  client.write("one");
  const [answer]: readonly IncomingMessage[] = await once(client, "response");
  if (answer === undefined) throw new Error("no answer");
  expect(await chunkOf(answer)).toBe("GOT ONE");
  client.write("two");
  expect(await chunkOf(answer)).toBe("GOT TWO");
  client.end();
  expect(await chunkOf(answer)).toBe("END");
});

it("tells the app when the client leaves", async () => {
  let left: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    left = resolve;
  });
  const port = await start((_incoming, response) => {
    response.once("close", left);
    response.write("first");
  });
  const client = open(port);
  client.end("hello");
  const [answer]: readonly IncomingMessage[] = await once(client, "response");
  if (answer === undefined) throw new Error("no answer");
  expect(await chunkOf(answer)).toBe("FIRST");
  client.destroy();
  await gone;
});

it("breaks the client's answer when the app breaks off in the middle of one of unknown length", async () => {
  const port = await start((_incoming, response) => {
    response.write("half", () => response.destroy());
  });
  const client = open(port);
  client.end();
  const [answer]: readonly IncomingMessage[] = await once(client, "response");
  if (answer === undefined) throw new Error("no answer");
  answer.resume();
  await expect(once(answer, "end")).rejects.toThrow("aborted");
});
