import type { InvocationRow } from "./row.ts";

/** HTTP status, its phrase, and the gRPC code that clients get (Dapr `pkg/messaging/v1/util.go`). */
const httpStatuses: readonly (readonly [number, string, number])[] = [
  [302, "Found", 2],
  [400, "Bad Request", 13],
  [401, "Unauthorized", 16],
  [403, "Forbidden", 7],
  [404, "Not Found", 5],
  [408, "Request Timeout", 1],
  [409, "Conflict", 6],
  [418, "I'm a teapot", 2],
  [429, "Too Many Requests", 8],
  [500, "Internal Server Error", 2],
  [501, "Not Implemented", 12],
  [503, "Service Unavailable", 14],
  [504, "Gateway Timeout", 4],
];

const words = Buffer.from("no such order");

const ofHttpApps: readonly InvocationRow[] = httpStatuses.map(([status, phrase, code]) => ({
  id: `invocation/status/http-${status}`,
  title: `${status} of an HTTP app is ${status} over HTTP and code ${code} over gRPC`,
  pairs: ["http-http", "grpc-http"],
  reply: {
    http: { status, contentType: "text/x-words", headers: ["x-reply", "1"], body: () => words },
  },
  app: {},
  answer: {
    http: { status, contentType: "text/x-words", headers: { "x-reply": ["1"] }, body: words },
    grpc: {
      status: code,
      message: phrase,
      headers: { "dapr-http-status": [String(status)], "x-reply": ["1"] },
      details: [
        {
          typeUrl: "type.googleapis.com/google.rpc.ErrorInfo",
          has: [
            phrase,
            "dapr.io",
            "http.code",
            String(status),
            "http.error_message",
            "no such order",
          ],
        },
      ],
    },
  },
}));

/** gRPC code and the HTTP status that clients get. */
const grpcCodes: readonly (readonly [number, number])[] = [
  ...([
    [1, 408],
    [2, 500],
    [3, 400],
    [4, 504],
    [5, 404],
    [6, 409],
    [7, 403],
    [8, 429],
  ] as const),
  ...([
    [9, 400],
    [10, 409],
    [11, 400],
    [12, 501],
    [13, 500],
    [14, 503],
    [15, 500],
    [16, 401],
  ] as const),
];

const ofGrpcApps: readonly InvocationRow[] = grpcCodes.map(([code, status]) => ({
  id: `invocation/status/grpc-${code}`,
  title: `code ${code} of a gRPC app is ${status} over HTTP and code ${code} over gRPC`,
  pairs: ["http-grpc", "grpc-grpc"],
  reply: { grpc: { status: code, message: "no such \u00f6rder", headers: ["x-reply", "1"] } },
  app: {},
  answer: {
    http: {
      status,
      contentType: "text/plain; charset=utf-8",
      json: { code, message: "no such \u00f6rder" },
    },
    grpc: { status: code, message: "no such \u00f6rder", details: [] },
  },
}));

const others: readonly InvocationRow[] = [
  {
    id: "invocation/status/http-204",
    title: "an HTTP app's 204 is a success without a body",
    pairs: ["http-http", "grpc-http"],
    reply: { http: { status: 204 } },
    app: {},
    answer: {
      http: { status: 204, body: Buffer.alloc(0) },
      grpc: { status: 0, body: Buffer.alloc(0), headers: { "dapr-http-status": ["204"] } },
    },
  },
  {
    id: "invocation/status/http-long-words",
    title: "gRPC clients get the first 63 bytes of a long error body",
    pairs: ["grpc-http"],
    reply: { http: { status: 500, body: () => Buffer.from(`${"a".repeat(63)}CUT`) } },
    app: {},
    answer: {
      grpc: {
        status: 2,
        message: "Internal Server Error",
        // The length of the field stands before its 63 bytes.
        details: [
          { typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", has: [`\x3f${"a".repeat(63)}`] },
        ],
      },
    },
  },
  {
    id: "invocation/status/grpc-details",
    title: "details of a gRPC app's status arrive: as bytes over gRPC, as JSON over HTTP",
    pairs: ["http-grpc", "grpc-grpc"],
    reply: {
      grpc: {
        status: 9,
        message: "closed",
        // google.rpc.ErrorInfo with reason "WHY" and domain "shop".
        details: [
          {
            typeUrl: "type.googleapis.com/google.rpc.ErrorInfo",
            value: Buffer.from("\x0a\x03WHY\x12\x04shop", "latin1"),
          },
        ],
        trailers: ["x-trailer", "1"],
      },
    },
    app: {},
    answer: {
      http: { status: 400, says: ["google.rpc.ErrorInfo", "WHY", "shop", "closed"] },
      grpc: {
        status: 9,
        message: "closed",
        details: [
          {
            typeUrl: "type.googleapis.com/google.rpc.ErrorInfo",
            has: ["\x0a\x03WHY\x12\x04shop"],
          },
        ],
        trailers: { "x-trailer": ["1"] },
      },
    },
  },
];

/** How statuses of apps reach clients. */
export const statusRows: readonly InvocationRow[] = [...ofHttpApps, ...ofGrpcApps, ...others];
