// A closed-loop load generator: node node-load.mjs <url> <seconds> <connections>
import { Agent, request } from "node:http";

const [url, seconds, connections] = process.argv.slice(2);
const target = new URL(url);
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const body = Buffer.alloc(1_024, "x");
const headers = { "content-type": "text/plain", "content-length": body.length };
// Counts per 10 microseconds up to one second: bounded, and precise enough for percentiles.
const histogram = new Uint32Array(100_001);
let requests = 0;
let errors = 0;

const begin = performance.now();
const end = begin + Number(seconds) * 1_000;
await Promise.all(Array.from({ length: Number(connections) }, loop));
const micros = Math.round((performance.now() - begin) * 1_000);
agent.destroy();
console.log(`RESULT ${requests} ${micros} ${percentile(0.5)} ${percentile(0.99)} ${errors}`);

async function loop() {
  while (performance.now() < end) {
    const started = performance.now();
    const status = await post().catch(() => 0);
    if (status >= 200 && status < 400) requests += 1;
    else errors += 1;
    const slot = Math.round((performance.now() - started) * 100);
    histogram[Math.min(slot, histogram.length - 1)] += 1;
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

function percentile(share) {
  const wanted = (requests + errors) * share;
  let seen = 0;
  for (const [slot, count] of histogram.entries()) {
    seen += count;
    if (seen >= wanted) return slot * 10;
  }
  return 0;
}
