// A closed-loop generator of unary gRPC calls:
// node grpc-load.mjs <port> <invoke|proxy> <seconds> <connections>
import { connect } from "node:http2";
import { Histogram } from "./histogram.mjs";

const [port, mode, seconds, connections] = process.argv.slice(2);
const data = Buffer.alloc(1_024, "x");
const calls = {
  invoke: {
    headers: { ":path": "/dapr.proto.runtime.v1.Dapr/InvokeService" },
    message: framed(invokeServiceRequest()),
  },
  proxy: {
    headers: { ":path": "/bench.Echo/Unary", "dapr-app-id": "bench-callee" },
    message: framed(data),
  },
};
const { headers, message } = calls[mode];
const histogram = new Histogram();

const begin = performance.now();
const end = begin + Number(seconds) * 1_000;
await Promise.all(Array.from({ length: Number(connections) }, loop));
console.log(histogram.result(performance.now() - begin));

async function loop() {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  while (performance.now() < end) {
    const started = performance.now();
    const status = await call(session).catch(() => undefined);
    histogram.add(performance.now() - started, status === "0");
  }
  session.destroy();
}

function call(session) {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    let status;
    const note = (received) => {
      status = received["grpc-status"] ?? status;
    };
    stream.setTimeout(10_000, () => stream.destroy());
    stream.on("response", note).on("trailers", note).on("error", reject);
    stream.on("close", () => resolve(status)).resume();
    stream.end(message);
  });
}

function framed(bytes) {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

/** `InvokeServiceRequest { id, message { method, data { value }, content_type, http_extension { POST } } }`. */
function invokeServiceRequest() {
  const request = Buffer.concat([
    field(1, Buffer.from("bench")),
    field(2, field(2, data)),
    field(3, Buffer.from("text/plain")),
    field(4, Buffer.from([0x08, 3])),
  ]);
  return Buffer.concat([field(1, Buffer.from("bench-callee")), field(3, request)]);
}

/** A field of bytes, shorter than 16384. */
function field(number, bytes) {
  const { length } = bytes;
  const size = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  return Buffer.concat([Buffer.from([number * 8 + 2, ...size]), bytes]);
}
