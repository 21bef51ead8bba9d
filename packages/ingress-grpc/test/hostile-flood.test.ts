import { frameMessage } from "@outrigger/grpc-http2";
import { daprPaths, encodeInvokeServiceRequest } from "@outrigger/protocol";
import { expect } from "vitest";
import { testFloods } from "../../grpc-http2/test/floods.ts";
import { startIngress, unary } from "./stand-in.ts";

const path = daprPaths.InvokeService;
const data = { typeUrl: "", value: Buffer.from("hi") };
const message = encodeInvokeServiceRequest({
  id: "callee",
  message: { method: "m", contentType: "t/p", data },
});

testFloods(
  "gRPC API",
  async () => {
    const { port } = await startIngress({
      invoke: async () => ({
        status: { code: 0, message: "", details: [] },
        headers: [],
        trailers: [],
        contentType: "",
        typeUrl: "",
        body: Buffer.alloc(100_000, "a"),
      }),
    });
    return {
      port,
      head: [
        [":method", "POST"],
        [":scheme", "http"],
        [":path", path],
        [":authority", "a"],
        ["content-type", "application/grpc"],
      ],
      body: frameMessage(message),
      serveOther: async () => expect((await unary(port, path, message)).code).toBe(0),
    };
  },
  true,
);
