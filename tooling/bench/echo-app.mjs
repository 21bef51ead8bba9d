// Answers every request with its own body.
import { createServer } from "node:http";

createServer((request, response) => {
  if (request.url?.startsWith("/dapr/")) {
    response.writeHead(404).end();
    request.resume();
    return;
  }
  response.setHeader("content-type", request.headers["content-type"] ?? "text/plain");
  request.pipe(response);
}).listen(Number(process.argv[2]), "127.0.0.1");
