// The user's Echo service on @grpc/grpc-js.
import { join } from "node:path";
import { loadPackageDefinition, Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const definition = loadSync(join(import.meta.dirname, "../proto/echo.proto"));
const { Echo } = loadPackageDefinition(definition).outrigger.interop.v1;
const waits = new Map();

const server = new Server();
server.addService(Echo.service, {
  Say(call, answer) {
    const headers = new Metadata();
    headers.set("x-app", "node-grpc");
    for (const value of call.metadata.get("x-raw-bin")) headers.add("x-raw-bin", value);
    call.sendMetadata(headers);
    const trailers = new Metadata();
    trailers.set("x-trailer", "said");
    answer(null, { text: call.request.text, metadata: textOf(call.metadata) }, trailers);
  },
  Count(call) {
    for (let i = 0; i < call.request.count; i++) call.write({ text: `${i}` });
    call.end();
  },
  Join(call, answer) {
    const texts = [];
    call.on("data", ({ text }) => texts.push(text));
    call.on("end", () => answer(null, { text: texts.join("+") }));
  },
  Chat(call) {
    call.on("data", ({ text }) => call.write({ text: text.toUpperCase() }));
    call.on("end", () => call.end());
  },
  Fail(_call, answer) {
    const trailers = new Metadata();
    trailers.set("x-reason", "quota");
    trailers.set("grpc-status-details-bin", statusDetails);
    answer({ code: status.RESOURCE_EXHAUSTED, details: "no more: ü", metadata: trailers });
  },
  Wait(call) {
    waits.set(call.request.text, "waiting");
    call.on("cancelled", () => waits.set(call.request.text, "cancelled"));
  },
  Waited(call, answer) {
    answer(null, { text: waits.get(call.request.text) ?? "unknown" });
  },
});
server.bindAsync(
  `127.0.0.1:${process.env.APP_PORT}`,
  ServerCredentials.createInsecure(),
  (error) => {
    if (error !== null) throw error;
    console.log("ready");
  },
);

function textOf(metadata) {
  const map = metadata.getMap();
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [
      key,
      Buffer.isBuffer(value) ? value.toString("hex") : value,
    ]),
  );
}

/** google.rpc.Status { code: 8, message, details: [ErrorInfo { reason: "QUOTA", domain }] } */
const statusDetails = field(
  [1, 8],
  [2, "no more: ü"],
  [
    3,
    field(
      [1, "type.googleapis.com/google.rpc.ErrorInfo"],
      [2, field([1, "QUOTA"], [2, "interop.example"])],
    ),
  ],
);

function field(...fields) {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === "number") return Buffer.from([number << 3, value]);
      const bytes = Buffer.from(value);
      return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
    }),
  );
}
