import type { InvokeRequest, InvokeResponse, ProxyCall } from "@outrigger/core";
import { daprPaths, encodeInvokeServiceRequest } from "@outrigger/protocol";
import { expect, test } from "vitest";
import { startIngress, unary } from "./stand-in.ts";

const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const givenBinary = "AAAK92UZFs1D3YRI6yEcgDGcAbeta3FpIDMxAgE";
const message = encodeInvokeServiceRequest({
  id: "callee",
  message: { method: "m", contentType: "", data: { typeUrl: "", value: new Uint8Array(0) } },
});

function answer(code: number): InvokeResponse {
  return {
    status: { code, message: "", details: [] },
    headers: [],
    trailers: [],
    contentType: "",
    typeUrl: "",
    body: new Uint8Array(0),
  };
}

/** Calls `InvokeService` once; tells the answer and what the pipeline got. */
async function invoke(
  headers: readonly string[],
  options: { readonly tracing?: boolean; readonly appCode?: number } = {},
): Promise<{ got: Awaited<ReturnType<typeof unary>>; seen: readonly InvokeRequest[] }> {
  const seen: InvokeRequest[] = [];
  const { port } = await startIngress(
    {
      invoke: async (request) => {
        seen.push(request);
        return answer(options.appCode ?? 0);
      },
    },
    { tracing: options.tracing ?? true },
  );
  return { got: await unary(port, daprPaths.InvokeService, message, headers), seen };
}

test.for([
  ["binary form", ["grpc-trace-bin", givenBinary]],
  ["text form", ["traceparent", given]],
])("the client's context in its %s is passed on and told back", async ([_form, headers]) => {
  const { got, seen } = await invoke(headers as string[]);
  expect(seen[0]?.trace?.traceparent).toBe(given);
  expect(got.headers).toContain(`traceparent|${given}|grpc-trace-bin|${givenBinary}`);
  expect(got.trailers).toContain(`traceparent|${given}`);
});

test("without one the call gets a valid context of its own, not sampled", async () => {
  const { got, seen } = await invoke(["traceparent", "00-zzz-yyy-01"]);
  const traceparent = seen[0]?.trace?.traceparent ?? "";
  expect(traceparent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/);
  expect(got.headers).toContain(`traceparent|${traceparent}`);
});

test("answers of HTTP apps have no trailers to carry it", async () => {
  const { got } = await invoke(["traceparent", given], { appCode: 200 });
  expect(got.headers).toContain(`traceparent|${given}`);
  expect(got.trailers).not.toContain("traceparent");
});

test("with tracing off nothing is added", async () => {
  const { got, seen } = await invoke(["baggage", ",,==,,"], { tracing: false });
  expect(seen[0]?.trace).toBeUndefined();
  expect(got.headers).not.toContain("traceparent");
});

test("valid baggage is told back, other baggage is refused before the app is called", async () => {
  expect((await invoke(["baggage", "user=alice"])).got.headers).toContain("baggage|user=alice");
  const { got, seen } = await invoke(["baggage", ",,==,,"]);
  expect(got).toMatchObject({
    code: 3,
    message: expect.stringMatching(/^invalid baggage header: /),
  });
  expect(seen).toEqual([]);
});

test.for([
  ["callee", true],
  ["me", false],
  ["me.elsewhere", false],
])("a proxied call to %s gets the sidecar's context: %s", async ([id, added]) => {
  const seen: ProxyCall[] = [];
  const { port } = await startIngress({
    proxy: async (call) => {
      seen.push(call);
      throw new Error("seen enough");
    },
  });
  await unary(port, "/shop.Orders/Place", message, ["dapr-app-id", id as string]);
  expect(seen[0]?.metadata.includes("traceparent")).toBe(added);
  expect(seen[0]?.metadata.includes("grpc-trace-bin")).toBe(added);
});
