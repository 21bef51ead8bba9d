import { testContext } from "@outrigger/conformance";
import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import { encodeInternalInvokeRequestStream, serviceInvocationPaths } from "@outrigger/protocol";
import { transportGrpc } from "@outrigger/transport-grpc";
import { afterEach, expect } from "vitest";
import { testFloods } from "../../grpc-http2/test/floods.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const path = serviceInvocationPaths.CallLocalStream;
const message = { method: "m", contentType: "", httpExtension: { verb: "POST", querystring: "" } };
const body = frameMessage(
  encodeInternalInvokeRequestStream({ request: { ver: 1, metadata: ["A", "b"], message } }),
);

testFloods(
  "internal port",
  async () => {
    const transport = transportGrpc({ host: "127.0.0.1" })(testContext());
    const { port } = await transport.listen(
      {
        receive: async () => ({
          status: { code: 200, message: "", details: [] },
          headers: [],
          trailers: [],
          contentType: "",
          typeUrl: "",
          body: Buffer.alloc(100_000, "a"),
        }),
        proxy: () => Promise.reject(new Error("nothing is proxied")),
      },
      AbortSignal.timeout(5_000),
    );
    const client = new GrpcClient({ host: "127.0.0.1", port });
    cleanups.push(
      () => transport.stop?.(),
      () => client.close(),
    );
    return {
      port,
      head: [
        [":method", "POST"],
        [":scheme", "http"],
        [":path", path],
        [":authority", "a"],
        ["content-type", "application/grpc"],
      ],
      body,
      serveOther: async () => {
        const signal = AbortSignal.timeout(5_000);
        const response = await client.call({ path, headers: [], body, signal });
        while ((await response.messages.read()) !== undefined);
        expect(response.status?.code).toBe(0);
      },
    };
  },
  true,
);
