import {
  type HttpMiddlewareComponent,
  LiveHttpPipeline,
  readBody,
  silentLogger,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { callOf, httpServer, open, releaseAll, site } from "./servers.ts";

afterEach(releaseAll);

function pipelineOf(handle: HttpMiddlewareComponent["handle"]): LiveHttpPipeline {
  const pipeline = new LiveHttpPipeline(silentLogger);
  pipeline.replace([{ name: "test", handle }]);
  return pipeline;
}

test("handlers change what a server gets, once for all redirects", async () => {
  let runs = 0;
  const seen: string[] = [];
  const port = await httpServer((request, response) => {
    seen.push(`${request.url} ${request.headers["x-added"]}`);
    if (request.url === "/base/m/more?a=b") response.writeHead(302, { location: "/final" });
    response.end("done");
  });
  const egress = open({
    endpoints: [{ name: "site", baseUrl: `http://127.0.0.1:${port}/base` }],
    pipeline: pipelineOf((request, next) => {
      runs += 1;
      const path = `${request.path}/more`;
      return next({ ...request, path, headers: [...request.headers, "X-Added", "yes"] });
    }),
  });
  const answer = await egress.deliver(callOf({ http: { verb: "GET", query: "a=b" } }), site);
  expect(Buffer.from(await readBody(answer.body, 100)).toString()).toBe("done");
  expect(seen).toEqual(["/base/m/more?a=b yes", "/final yes"]);
  expect(runs).toBe(1);
});

test("an answer of a handler reaches no server, and takes no place of the limit with it", async () => {
  const egress = open({
    maxConcurrency: 1,
    pipeline: pipelineOf(async () => ({ status: 429, headers: [], body: Buffer.from("no") })),
  });
  for (let round = 0; round < 3; round++) {
    const target = { kind: "url", url: "http://127.0.0.1:1" } as const;
    expect((await egress.deliver(callOf(), target)).status.code).toBe(429);
  }
});

test("a server that cannot be reached fails as it does without handlers", async () => {
  const egress = open({ pipeline: pipelineOf((request, next) => next(request)) });
  const target = { kind: "url", url: "http://127.0.0.1:1" } as const;
  await expect(egress.deliver(callOf(), target)).rejects.toMatchObject({
    code: "OTR_EXTERNAL_UNREACHABLE",
  });
});
