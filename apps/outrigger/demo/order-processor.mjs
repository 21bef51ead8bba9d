// The called app: takes orders over HTTP. It knows nothing of sidecars; APP_PORT is where it listens.
import { createServer } from "node:http";

const server = createServer(async (request, response) => {
  if (request.method !== "POST" || request.url !== "/neworder") {
    response.writeHead(404).end();
    return;
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  const { orderId } = JSON.parse(body);
  console.log(`received order ${orderId}`);
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ orderId, processedBy: `node ${process.version}` }));
});

server.listen(Number(process.env.APP_PORT), "127.0.0.1");
