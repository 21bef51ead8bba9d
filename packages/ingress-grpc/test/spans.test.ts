import type { ProxyCall, SpanKind, TraceContext, Tracer } from "@outrigger/core";
import { daprPaths, encodeEmpty, encodeInvokeServiceRequest } from "@outrigger/protocol";
import { expect, test } from "vitest";
import { startIngress, unary } from "./stand-in.ts";

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const own = "00-0af7651916cd43dd8448eb211c80319c-1111111111111111-01";
const ownBinary = "AAAK92UZFs1D3YRI6yEcgDGcARERERERERERAgE";

interface Recorded {
  name: string;
  readonly kind: SpanKind;
  readonly parent: TraceContext | undefined;
  readonly attributes: Record<string, string>;
  ended: { error: string | undefined } | undefined;
}

/** Samples everything and keeps what it is told. */
function recorder(): { readonly spans: Recorded[]; readonly tracer: Tracer } {
  const spans: Recorded[] = [];
  const begin = (kind: SpanKind, name: string, from: TraceContext | undefined): TraceContext => {
    const record: Recorded = { name, kind, parent: from, attributes: {}, ended: undefined };
    spans.push(record);
    const span = {
      get name() {
        return record.name;
      },
      set name(value: string) {
        record.name = value;
      },
      set: (key: string, value: string) => {
        record.attributes[key] = value;
      },
      end: (error?: string) => {
        record.ended = { error };
      },
    };
    return { traceparent: own, tracestate: "", span };
  };
  return { spans, tracer: { name: "recorder", begin } };
}

const message = encodeInvokeServiceRequest({
  id: "callee",
  message: { method: "pay", contentType: "", data: { typeUrl: "", value: new Uint8Array(0) } },
});

test("InvokeService is a client's span with the target, the client's parent and its metadata", async () => {
  const { spans, tracer } = recorder();
  const { port } = await startIngress(
    {
      invoke: async () => {
        throw new Error("no such app");
      },
    },
    {},
    tracer,
  );
  const headers = ["traceparent", parent, "tracestate", "v=1", "dapr-thing", "one"];
  headers.push("dapr-thing", "two", "dapr-x-bin", "AA", "dapr-api-token", "secret");
  await unary(port, daprPaths.InvokeService, message, headers);

  expect(spans).toEqual([
    {
      name: "CallLocal/callee/pay",
      kind: "client",
      parent: { traceparent: parent, tracestate: "" },
      attributes: {
        "dapr-thing": "one",
        "dapr.api": "/dapr.proto.runtime.v1.Dapr/InvokeService",
        "dapr.protocol": "grpc",
        "net.peer.name": "callee",
        "rpc.service": "ServiceInvocation",
      },
      ended: { error: "failed to invoke, id: callee, err: no such app" },
    },
  ]);
});

test("a malformed binary context is no parent, and the text beside it is not read", async () => {
  const { spans, tracer } = recorder();
  const { port } = await startIngress({}, {}, tracer);
  const headers = ["grpc-trace-bin", "AAAA", "traceparent", parent];
  await unary(port, daprPaths.GetMetadata, encodeEmpty(), headers);
  expect(spans[0]?.parent).toBeUndefined();
});

test("other methods have the method as name, and tell their context in binary form", async () => {
  const { spans, tracer } = recorder();
  const { port } = await startIngress({}, {}, tracer);
  const answer = await unary(port, daprPaths.GetMetadata, encodeEmpty());
  expect(answer.headers).toContain(`grpc-trace-bin|${ownBinary}`);
  expect(spans[0]).toMatchObject({
    name: "/dapr.proto.runtime.v1.Dapr/GetMetadata",
    kind: "client",
    ended: { error: undefined },
  });
});

test.for([
  ["callee", "client"],
  ["me", "server"],
] as const)("a proxied call to %s is a %s's span with nothing but metadata", async ([id, kind]) => {
  const { spans, tracer } = recorder();
  const seen: ProxyCall[] = [];
  const { port } = await startIngress(
    {
      proxy: async (call) => {
        seen.push(call);
        throw new Error("seen enough");
      },
    },
    {},
    tracer,
  );
  await unary(port, "/shop.Orders/Place", message, ["dapr-app-id", id, "traceparent", parent]);
  expect(spans).toMatchObject([
    { name: "/shop.Orders/Place", kind, attributes: { "dapr-app-id": id } },
  ]);
  expect(spans[0]?.ended).toEqual({ error: "seen enough" });
  expect(seen[0]?.metadata.filter((text) => text === own)).toHaveLength(id === "me" ? 0 : 1);
});

test("baggage in several values is checked and told back as one", async () => {
  const { port } = await startIngress({});
  const two = ["baggage", "a=1;p , b=%41%20", "baggage", "a=2"];
  const answer = await unary(port, daprPaths.GetMetadata, encodeEmpty(), two);
  expect(answer.headers).toContain("baggage|a=2,b=A%20");
  const wrong = await unary(port, daprPaths.GetMetadata, encodeEmpty(), [
    "baggage",
    "a=1",
    "baggage",
    "b",
  ]);
  expect(wrong).toMatchObject({
    code: 3,
    message: expect.stringContaining("invalid baggage header"),
  });
});
