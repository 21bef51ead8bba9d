// A plain HTTP app of Node.js.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

const chunk = Buffer.alloc(64 * 1024, "outrigger ");

const routes = {
  async echo(request, response, url) {
    const body = Buffer.concat(await Array.fromAsync(request));
    response.setHeader("x-app", "node-http");
    json(response, 200, {
      verb: request.method,
      path: url.pathname,
      query: url.search,
      headers: request.headers,
      body: body.toString(),
    });
  },
  status(_request, response, url) {
    json(response, Number(url.searchParams.get("code")), { reason: "asked for" });
  },
  async upload(request, response) {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const part of request) {
      hash.update(part);
      bytes += part.length;
    }
    json(response, 200, {
      bytes,
      sha256: hash.digest("hex"),
      length: request.headers["content-length"] ?? null,
    });
  },
  async download(_request, response, url) {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    for (let left = Number(url.searchParams.get("bytes")); left > 0; left -= chunk.length) {
      const part = left < chunk.length ? chunk.subarray(0, left) : chunk;
      if (!response.write(part)) await new Promise((resume) => response.once("drain", resume));
    }
    response.end();
  },
  /** Holds the second event back until the caller has said that it saw the first one. */
  async events(_request, response) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: first\n\n");
    await new Promise((resume) => {
      listeners.push(resume);
    });
    response.end("data: second\n\n");
  },
  seen(_request, response) {
    for (const resume of listeners.splice(0)) resume();
    response.writeHead(204).end();
  },
};
const listeners = [];

createServer((request, response) => {
  const url = new URL(request.url, "http://app");
  const route = routes[url.pathname.slice(1)];
  if (route === undefined) return json(response, 404, { reason: "no such route" });
  Promise.resolve(route(request, response, url)).catch((error) => response.destroy(error));
}).listen(Number(process.env.APP_PORT), "127.0.0.1", () => console.log("ready"));

function json(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}
