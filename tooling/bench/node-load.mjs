// A closed-loop load generator: node node-load.mjs <url> <seconds> <connections> [bytes]
import { Agent, request } from "node:http";
import { Histogram } from "./histogram.mjs";

const [url, seconds, connections, bytes = "1024"] = process.argv.slice(2);
const target = new URL(url);
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const body = Buffer.alloc(Number(bytes), "x");
const headers = { "content-type": "text/plain", "content-length": body.length };
const histogram = new Histogram();

const begin = performance.now();
const end = begin + Number(seconds) * 1_000;
await Promise.all(Array.from({ length: Number(connections) }, loop));
const took = performance.now() - begin;
agent.destroy();
console.log(histogram.result(took));

async function loop() {
  while (performance.now() < end) {
    const started = performance.now();
    const status = await post().catch(() => 0);
    histogram.add(performance.now() - started, status >= 200 && status < 400);
  }
}

function post() {
  return new Promise((resolve, reject) => {
    const { hostname, port, pathname } = target;
    const options = { agent, hostname, port, path: pathname, method: "POST", headers };
    const outgoing = request({ ...options, timeout: 10_000 }, (response) => {
      response.on("error", reject).on("end", () => resolve(response.statusCode));
      response.resume();
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 10 s")));
    outgoing.on("error", reject).end(body);
  });
}
