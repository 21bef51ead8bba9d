// Answers every gRPC call with its own message: node grpc-app.mjs <port>
import { createServer } from "node:http2";

createServer()
  .on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    if (!String(headers["content-type"]).startsWith("application/grpc")) {
      stream.respond({ ":status": 404 }, { endStream: true });
      return;
    }
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => {
      stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.concat(chunks));
    });
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
