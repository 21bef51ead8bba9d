import { frameMessage, GrpcClient, GrpcServer } from "@outrigger/grpc-http2";

const server = new GrpcServer({
  methods: new Map([
    [
      "/demo.Greeter/Hello",
      async (call) => {
        const request = await call.messages.read();
        const name = Buffer.from(request?.data ?? []).toString();
        call.finish({ code: 0, message: "" }, [], frameMessage(Buffer.from(`hello ${name}`)));
      },
    ],
  ]),
});
const { port } = await server.listen("127.0.0.1", 0);

const client = new GrpcClient({ host: "127.0.0.1", port });
const response = await client.call({
  path: "/demo.Greeter/Hello",
  headers: [],
  body: frameMessage(Buffer.from("world")),
});
for await (const message of response.messages) console.log(Buffer.from(message.data).toString());
console.log("status", response.status?.code);

client.close();
await server.close();
