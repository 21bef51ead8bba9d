import { type ComponentContext, type InvokeResponse, silentLogger } from "@outrigger/core";
import { transportGrpc } from "@outrigger/transport-grpc";

const context: ComponentContext = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};
const signal = AbortSignal.timeout(5_000);

const callee = transportGrpc({ host: "127.0.0.1" })(context);
const answer: InvokeResponse = {
  status: { code: 200, message: "", details: [] },
  headers: ["Content-Type", "text/plain"],
  trailers: [],
  contentType: "text/plain",
  typeUrl: "",
  body: Buffer.from("hello"),
};
const { port } = await callee.listen(
  {
    receive: async (call) => (call.method === "hello" ? answer : Promise.reject(new Error("no"))),
    proxy: () => Promise.reject(new Error("nothing is proxied here")),
  },
  signal,
);

const caller = transportGrpc()(context);
const peer = { appId: "orders", namespace: "default" };
const response = await caller.connect({ host: "127.0.0.1", port }, peer).invoke({
  target: "orders",
  method: "hello",
  http: { verb: "GET", query: "" },
  origin: "http",
  metadata: ["Accept", "*/*"],
  contentType: "",
  typeUrl: "",
  body: new Uint8Array(0),
  bodyLength: 0,
  signal,
});
console.log(response.status.code);

await caller.stop?.();
await callee.stop?.();
