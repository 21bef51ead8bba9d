import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import {
  daprPaths,
  encodeInvokeServiceRequest,
  encodeSetMetadataRequest,
} from "@outrigger/protocol";
import { expect, test } from "vitest";
import { fuzz, mutate, randomBytes } from "../../grpc-http2/test/fuzz.ts";
import { onCleanup, startIngress } from "./stand-in.ts";

const data = { typeUrl: "", value: Buffer.from("hi") };
const message = { method: "m", contentType: "t/p", data };
const valid = [
  [daprPaths.InvokeService, encodeInvokeServiceRequest({ id: "callee", message })],
  [daprPaths.SetMetadata, encodeSetMetadataRequest({ key: "k", value: "v" })],
  [daprPaths.GetMetadata, new Uint8Array(0)],
] as const;

test("whatever messages come, each call has a status and others are served", async () => {
  const { port } = await startIngress({
    invoke: async () => ({
      status: { code: 0, message: "", details: [] },
      headers: [],
      trailers: [],
      contentType: "",
      typeUrl: "",
      body: Buffer.from("answer"),
    }),
  });
  const client = new GrpcClient({ host: "127.0.0.1", port });
  onCleanup(() => client.close());
  const call = async (path: string, body: Uint8Array): Promise<number> => {
    const signal = AbortSignal.timeout(5_000);
    const response = await client.call({ path, headers: ["grpc-encoding", "gzip"], body, signal });
    while ((await response.messages.read()) !== undefined);
    expect(signal.aborted).toBe(false);
    return response.status?.code ?? -1;
  };

  await fuzz(2_000, async (random) => {
    const calls = Array.from({ length: 8 }, () => {
      const [path, bytes] = valid[random(valid.length)] as (typeof valid)[number];
      const kind = random(4);
      if (kind === 0) return call(path, mutate(frameMessage(bytes), random));
      if (kind === 1) return call(path, frameMessage(mutate(bytes, random), random(3) === 0));
      if (kind === 2) return call(path, randomBytes(random(60), random));
      return call(path, Buffer.concat([frameMessage(bytes), frameMessage(bytes)]));
    });
    for (const code of await Promise.all(calls)) {
      expect(code).toBeGreaterThanOrEqual(0);
      expect(code).toBeLessThanOrEqual(16);
    }
    expect(await call(valid[0][0], frameMessage(valid[0][1]))).toBe(0);
  });
});
