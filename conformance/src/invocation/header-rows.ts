import type { InvocationRow } from "./row.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const otherTraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
/** Version, trace id, span id and flags as OpenCensus writes them, in the base64 of gRPC. */
const binaryTrace = Buffer.from(`0000${otherTraceId}0100f067aa0ba902b70201`, "hex")
  .toString("base64")
  .replace(/=+$/, "");
const sameTrace = [new RegExp(`^00-${traceId}-[0-9a-f]{16}-0[0-9a-f]$`)];
const ok = { http: { status: 200 }, grpc: { status: 0 } } as const;

const requests: readonly InvocationRow[] = [
  {
    id: "invocation/header/repeated",
    title: "custom request headers arrive with all values in order",
    call: { both: { headers: ["x-two", "1", "x-two", "2", "authorization", "Bearer abc"] } },
    app: { both: { headers: { "x-two": ["1", "2"], authorization: ["Bearer abc"] } } },
    answer: ok,
  },
  {
    id: "invocation/header/hop-by-hop",
    title: "headers of the client's connection, and those that it names, stay behind",
    pairs: ["http-http"],
    call: {
      http: {
        headers: [
          ...[
            "Connection",
            "keep-alive, X-Listed",
            "X-Listed",
            "1",
            "Proxy-Authorization",
            "Basic x",
          ],
          ...["TE", "trailers", "X-Kept", "1"],
        ],
      },
    },
    app: {
      http: {
        headers: { "x-listed": null, "proxy-authorization": null, te: null, "x-kept": ["1"] },
      },
    },
    answer: ok,
  },
  {
    id: "invocation/header/binary",
    title: "binary metadata arrives at gRPC apps and comes back from them",
    pairs: ["grpc-grpc"],
    call: { grpc: { headers: ["x-blob-bin", "AQID"] } },
    reply: { grpc: { headers: ["y-blob-bin", "BAUG"] } },
    app: { grpc: { headers: { "x-blob-bin": ["AQID"] } } },
    answer: { grpc: { status: 0, headers: { "y-blob-bin": ["BAUG"] } } },
  },
  {
    id: "invocation/header/binary-to-http",
    title: "HTTP apps get no binary metadata",
    pairs: ["http-http", "grpc-http"],
    call: { both: { headers: ["x-blob-bin", "AQID", "x-kept", "1"] } },
    app: { http: { headers: { "x-blob-bin": null, "x-kept": ["1"] } } },
    answer: ok,
  },
  {
    id: "invocation/header/http-names",
    title: "headers that HTTP defines reach gRPC apps under a dapr- prefix",
    pairs: ["http-grpc"],
    call: {
      http: { headers: ["Accept", "a/b", "Cookie", "c=1"], contentType: "text/x" },
    },
    app: {
      grpc: {
        headers: {
          "dapr-accept": ["a/b"],
          "dapr-cookie": ["c=1"],
          "dapr-content-type": ["text/x"],
          accept: null,
        },
      },
    },
    answer: ok,
  },
  {
    id: "invocation/header/identities",
    title: "the app learns who called it, whatever the client claims",
    call: { both: { headers: ["dapr-caller-app-id", "liar", "dapr-callee-app-id", "liar"] } },
    app: {
      both: {
        headers: {
          "dapr-caller-app-id": ["caller"],
          "dapr-caller-namespace": ["default"],
          "dapr-callee-app-id": ["callee"],
          "destination-app-id": null,
        },
      },
    },
    answer: ok,
  },
  {
    id: "invocation/header/app-id",
    title: "an app id in a header names the target and goes no further",
    pairs: ["http-http", "http-grpc"],
    call: { http: { targetInHeader: true, method: "a/b" } },
    app: {
      http: { path: "/a/b", headers: { "dapr-app-id": null } },
      grpc: { path: "a/b", headers: { "dapr-app-id": null } },
    },
    answer: ok,
  },
  {
    id: "invocation/header/trace",
    title: "the app is called in the client's trace",
    call: { both: { headers: ["traceparent", `00-${traceId}-b7ad6b7169203331-01`] } },
    app: { both: { headers: { traceparent: sameTrace } } },
    answer: ok,
  },
];

const replies: readonly InvocationRow[] = [
  {
    id: "invocation/header/reply-repeated",
    title: "the app's custom headers arrive with all values in order",
    reply: { both: { headers: ["x-reply", "a", "x-reply", "b", "x-other", "c"] } },
    app: {},
    answer: { both: { headers: { "x-reply": ["a", "b"], "x-other": ["c"] } } },
  },
  {
    id: "invocation/header/reply-dropped",
    title: "headers of the app's connection and binary ones do not reach HTTP clients",
    pairs: ["http-http", "http-grpc"],
    reply: {
      http: { headers: ["Proxy-Authenticate", "Basic", "x-blob-bin", "AQID", "x-kept", "1"] },
      grpc: { headers: ["x-blob-bin", "AQID", "x-kept", "1"] },
    },
    app: {},
    answer: {
      http: { headers: { "proxy-authenticate": null, "x-blob-bin": null, "x-kept": ["1"] } },
    },
  },
  {
    id: "invocation/header/reply-http-names",
    title:
      "gRPC clients get an HTTP app's status as a header, and HTTP's own headers with a prefix",
    pairs: ["grpc-http"],
    reply: { http: { status: 201, headers: ["Cache-Control", "no-store"] } },
    app: {},
    answer: {
      grpc: {
        status: 0,
        headers: {
          "dapr-http-status": ["201"],
          "dapr-cache-control": ["no-store"],
          "cache-control": null,
        },
      },
    },
  },
  {
    id: "invocation/header/reply-trace",
    title: "the answer tells the trace of the call",
    call: { both: { headers: ["traceparent", `00-${traceId}-b7ad6b7169203331-01`] } },
    app: {},
    answer: { both: { headers: { traceparent: sameTrace } } },
  },
  {
    id: "invocation/header/reply-own-trace",
    title: "an app that answers in a trace of its own has the last word over HTTP",
    pairs: ["http-http", "http-grpc"],
    reply: {
      http: { headers: ["traceparent", `00-${otherTraceId}-00f067aa0ba902b7-01`] },
      grpc: { headers: ["grpc-trace-bin", binaryTrace] },
    },
    app: {},
    answer: { http: { headers: { traceparent: [`00-${otherTraceId}-00f067aa0ba902b7-01`] } } },
  },
  {
    id: "invocation/header/trailers",
    title: "trailers of a gRPC app arrive at gRPC clients",
    pairs: ["grpc-grpc"],
    reply: { grpc: { trailers: ["x-trailer", "1", "x-trailer", "2", "t-blob-bin", "AQID"] } },
    app: {},
    answer: { grpc: { status: 0, trailers: { "x-trailer": ["1", "2"], "t-blob-bin": ["AQID"] } } },
  },
];

const targets: readonly InvocationRow[] = [
  {
    id: "invocation/target/own-app",
    title: "the own app is called without the other sidecar",
    call: { both: { target: "caller", headers: ["x-kept", "1"] } },
    reply: { both: { headers: ["x-reply", "1"] } },
    app: { both: { headers: { "x-kept": ["1"], "dapr-caller-app-id": null } } },
    answer: { both: { headers: { "x-reply": ["1"] } } },
  },
  {
    id: "invocation/target/namespace",
    title: "an id may name its namespace",
    call: { both: { target: "callee.default" } },
    app: { both: { headers: { "dapr-callee-app-id": ["callee"] } } },
    answer: ok,
  },
];

/** Which headers pass in which direction. */
export const headerRows: readonly InvocationRow[] = [...requests, ...replies, ...targets];
