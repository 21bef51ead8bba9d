// An app made with Dapr's JavaScript SDK: the callee of most tests, and a caller itself (`relay`).
//   node js-sdk-app.mjs http|grpc     (APP_PORT, DAPR_HTTP_PORT and DAPR_GRPC_PORT are set)
import { CommunicationProtocolEnum, DaprServer, HttpMethod, LogLevel } from "@dapr/dapr";
import express from "express";

const [protocol] = process.argv.slice(2);
const grpc = protocol === "grpc";

const server = new DaprServer({
  communicationProtocol: grpc ? CommunicationProtocolEnum.GRPC : CommunicationProtocolEnum.HTTP,
  serverHost: "127.0.0.1",
  serverPort: process.env.APP_PORT,
  ...(grpc ? {} : { serverHttp: onLoopback(express()) }),
  clientOptions: {
    daprHost: "127.0.0.1",
    daprPort: grpc ? process.env.DAPR_GRPC_PORT : process.env.DAPR_HTTP_PORT,
  },
  logger: { level: LogLevel.Error },
});

const verbs = grpc
  ? [HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE]
  : ["get", "post", "put", "patch", "delete"];
for (const method of verbs) {
  await server.invoker.listen(
    "echo",
    async ({ body, query, metadata, headers }) => ({
      verb: method.toUpperCase(),
      body,
      query,
      contentType: metadata?.contentType,
      correlation: headers?.["x-correlation-id"],
    }),
    { method },
  );
}

await server.invoker.listen(
  "relay",
  async ({ body }) => {
    const { appId, method, data } = parse(body);
    return {
      by: `js-${protocol}`,
      got: await server.client.invoker.invoke(appId, method, HttpMethod.POST, data),
    };
  },
  { method: HttpMethod.POST },
);

await server.invoker.listen(
  "fail",
  async () => {
    throw new Error("the handler fails on purpose");
  },
  { method: HttpMethod.POST },
);

await server.start();
console.log("ready");

// The HTTP server hands over bodies as JSON text, whatever their type.
function parse(body) {
  const value = JSON.parse(body);
  return typeof value === "string" ? JSON.parse(value) : value;
}

/** The SDK listens on every interface; a test stays on this machine. */
function onLoopback(app) {
  const routes = express.Router();
  const listen = app.listen.bind(app);
  app.listen = (port) => listen(port, "127.0.0.1");
  app.use(routes);
  // Express 4 does not notice that an async handler throws; the SDK's handlers are async.
  routes.post("/fail", (_request, response) => response.status(422).json({ reason: "on purpose" }));
  return app;
}
