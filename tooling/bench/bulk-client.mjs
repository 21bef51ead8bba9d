import { once } from "node:events";
import { request } from "node:http";

const piece = Buffer.alloc(64 * 1_024, "x");

/** Sends so many bytes, chunked. */
export async function push(url, bytes) {
  const outgoing = request(url, { method: "POST", agent: false });
  const answered = once(outgoing, "response");
  for (let sent = 0; sent < bytes; sent += piece.length) {
    if (!outgoing.write(piece)) await once(outgoing, "drain");
  }
  outgoing.end();
  await drained((await answered)[0]);
}

/** Reads an answer to its end. */
export async function pull(url) {
  const outgoing = request(url, { agent: false }).end();
  await drained((await once(outgoing, "response"))[0]);
}

/** Milliseconds from the time that each event names to its arrival, sorted. */
export async function eventDelays(url) {
  const headers = { accept: "text/event-stream" };
  const outgoing = request(url, { agent: false, headers }).end();
  const [response] = await once(outgoing, "response");
  const delays = [];
  response.on("data", (chunk) => {
    const now = performance.timeOrigin + performance.now();
    for (const [, time] of String(chunk).matchAll(/data: ([\d.]+)/g)) delays.push(now - time);
  });
  await once(response, "end");
  return delays.sort((a, b) => a - b);
}

async function drained(response) {
  response.resume();
  await once(response, "end");
  if (response.statusCode !== 200) throw new Error(`the app answered ${response.statusCode}`);
}
