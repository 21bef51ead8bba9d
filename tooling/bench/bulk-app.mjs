// An app for large bodies and events: node bulk-app.mjs <port>
import { once } from "node:events";
import { createServer } from "node:http";

const piece = Buffer.alloc(64 * 1_024, "x");

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://app");
  if (pathname === "/echo") {
    request.pipe(response);
    return;
  }
  if (pathname === "/events") void sendEvents(response, Number(searchParams.get("count")));
  else if (pathname === "/source") void sendBytes(response, Number(searchParams.get("bytes")));
  else if (pathname === "/sink") request.on("end", () => response.end("ok"));
  else response.writeHead(pathname === "/" ? 200 : 404).end();
  request.resume();
}).listen(Number(process.argv[2]), "127.0.0.1");

async function sendBytes(response, bytes) {
  for (let sent = 0; sent < bytes; sent += piece.length) {
    if (!response.write(piece)) await once(response, "drain");
  }
  response.end();
}

/** Each event is the time at which it is written. */
async function sendEvents(response, count) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let index = 0; index < count; index += 1) {
    response.write(`data: ${performance.timeOrigin + performance.now()}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  response.end();
}
