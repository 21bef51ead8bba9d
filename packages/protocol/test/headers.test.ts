import {
  appResponseHeaders,
  canonicalHeaderName,
  grpcMetadataToInternal,
  isGrpcOrigin,
  metadataToGrpc,
  metadataToHttpHeaders,
  toHttpMetadata,
} from "@outrigger/protocol";
import { describe, expect, test } from "vitest";

const hopByHop = [
  "Connection",
  "Keep-Alive",
  "Proxy-Connection",
  "Transfer-Encoding",
  "Upgrade",
  "Http2-Settings",
  "Te",
  "Trailer",
  "Proxy-Authorization",
  "Proxy-Authenticate",
];

test.each([
  ["content-type", "Content-Type"],
  ["HTTP2-SETTINGS", "Http2-Settings"],
  ["x-foo-BAR", "X-Foo-Bar"],
  ["-a--b", "-A--B"],
  ["x_y", "X_y"],
  ["a b", "a b"],
  [":method", ":method"],
  ["h\xe4", "h\xe4"],
  ["", ""],
])("canonical form of %j is %j", (name, canonical) => {
  expect(canonicalHeaderName(name)).toBe(canonical);
  expect(canonicalHeaderName(name)).toBe(canonical);
});

test("many different names do not make later answers wrong", () => {
  for (let index = 0; index < 3000; index++) canonicalHeaderName(`x-name-${index}`);
  expect(canonicalHeaderName("x-name-1")).toBe("X-Name-1");
});

test("HTTP headers to metadata: only what Go's server takes out is missing", () => {
  const raw = ["host", "h", "x-a", "1", "X-A", "2", "connection", "close", "te", "trailers"];
  expect(toHttpMetadata(raw)).toEqual([
    "X-A",
    "1",
    "X-A",
    "2",
    "Connection",
    "close",
    "Te",
    "trailers",
  ]);
  expect(toHttpMetadata(["trailer", "x", "content-length", "5"])).toEqual([
    "Trailer",
    "x",
    "Content-Length",
    "5",
  ]);
  expect(toHttpMetadata(["trailer", "x", "transfer-encoding", "chunked"])).toEqual([]);
  expect(toHttpMetadata([":path", "/", "a", "b"])).toEqual(["A", "b"]);
});

describe("metadata to HTTP headers", () => {
  const convert = (...metadata: string[]) => metadataToHttpHeaders(metadata).headers;

  test.each([...hopByHop, "Content-Type", "Content-Length", "X-Thing-Bin", "destination-app-id"])(
    "%s is dropped in any case",
    (name) => {
      expect(convert(name, "v")).toEqual([]);
      expect(convert(name.toLowerCase(), "v")).toEqual([]);
      expect(convert(name.toUpperCase(), "v")).toEqual([]);
    },
  );

  test.each([
    [":method", "Dapr-Method"],
    [":scheme", "Dapr-Scheme"],
    [":path", "Dapr-Path"],
    [":authority", "Dapr-Authority"],
    ["grpc-timeout", "Dapr-Grpc-Timeout"],
    ["Grpc-Status", "Dapr-Grpc-Status"],
    ["dapr-caller-app-id", "Dapr-Caller-App-Id"],
    ["user-agent", "User-Agent"],
  ])("%s is sent as %s", (name, sent) => {
    expect(convert(name, "v")).toEqual([sent, "v"]);
  });

  test("names in Connection are dropped", () => {
    expect(
      convert("X-A", "1", "connection", "close, x-a", "Connection", "X-B", "x-b", "2"),
    ).toEqual([]);
  });

  test("all values in order, but only the first baggage", () => {
    expect(convert("A", "1", "Baggage", "x=1", "A", "2", "Baggage", "y=2")).toEqual([
      "A",
      "1",
      "Baggage",
      "x=1",
      "A",
      "2",
    ]);
  });

  test("trace context and length are handed over separately", () => {
    const metadata = [
      "Traceparent",
      "tp",
      "tracestate",
      "ts",
      "grpc-trace-bin",
      "bin",
      "Content-Length",
      "5",
    ];
    expect(metadataToHttpHeaders(metadata)).toEqual({
      headers: [],
      traceparent: "tp",
      tracestate: "ts",
      grpcTraceBin: "bin",
      contentLength: "5",
    });
  });
});

test("headers of an app's answer", () => {
  const raw = hopByHop.filter((name) => name !== "Connection").flatMap((name) => [name, "v"]);
  raw.push("connection", "x-own", "X-Own", "1", "content-length", "3", "set-cookie", "a");
  raw.push("set-cookie", "b", "date", "d", "content-type", "t", "x-bin", "kept");
  expect(appResponseHeaders(raw)).toEqual([
    "Set-Cookie",
    "a",
    "Set-Cookie",
    "b",
    "Date",
    "d",
    "Content-Type",
    "t",
    "X-Bin",
    "kept",
  ]);
});

test("only the exact lower-case key marks a gRPC origin", () => {
  expect(isGrpcOrigin(["content-type", "application/grpc+proto"])).toBe(true);
  expect(isGrpcOrigin(["Content-Type", "application/grpc"])).toBe(false);
  expect(isGrpcOrigin(["content-type", "text/plain"])).toBe(false);
  expect(isGrpcOrigin([])).toBe(false);
});

describe("gRPC headers to metadata", () => {
  test.each([
    ":method",
    ":scheme",
    ":path",
    "te",
    "host",
    "grpc-timeout",
    "grpc-encoding",
    "grpc-status",
    "grpc-message",
    "grpc-message-type",
  ])("%s is hidden", (name) => {
    expect(grpcMetadataToInternal([name, "v"])).toEqual([]);
  });

  test.each([":authority", "content-type", "user-agent", "grpc-accept-encoding", "x-a"])(
    "%s is kept",
    (name) => {
      expect(grpcMetadataToInternal([name, "v"])).toEqual([name, "v"]);
    },
  );

  test("names become lower case and binary values padded", () => {
    expect(
      grpcMetadataToInternal(["X-A", "1", "b-bin", "AQ", "b-bin", "AQ==", "b-bin", "AQ,AQI"]),
    ).toEqual(["x-a", "1", "b-bin", "AQ==", "b-bin", "AQ==", "b-bin", "AQ==", "b-bin", "AQI="]);
  });

  test.each(["!", "AQ=", "A", "AQ==="])("binary value %j is refused", (value) => {
    expect(() => grpcMetadataToInternal(["b-bin", value])).toThrow(
      expect.objectContaining({ code: "OTR_PROTOCOL_VIOLATION" }),
    );
  });
});

describe("metadata to gRPC headers", () => {
  const convert = (metadata: string[], httpConversion = true) =>
    metadataToGrpc(metadata, { httpConversion }).headers;

  test.each([
    "Accept",
    "Accept-Charset",
    "Accept-Language",
    "Accept-Ranges",
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "Transfer-Encoding",
    "Upgrade",
    "Cache-Control",
    "Content-Type",
    "Content-Length",
    "Cookie",
    "Date",
    "Expect",
    "From",
    "Host",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Schedule-Tag-Match",
    "If-Unmodified-Since",
    "Max-Forwards",
    "Origin",
    "Pragma",
    "Referer",
    "Via",
    "Warning",
  ])("%s gets the prefix, in this spelling and with conversion only", (name) => {
    const lower = name.toLowerCase();
    expect(convert([name, "v"])).toEqual([`dapr-${lower}`, "v"]);
    const plain = lower === "content-type" ? [] : [lower, "v"];
    expect(convert([lower, "v"])).toEqual(plain);
    expect(convert([name, "v"], false)).toEqual(plain);
  });

  test.each(["Accept-Encoding", "Authorization", "X-Custom"])("%s keeps its name", (name) => {
    expect(convert([name, "v"])).toEqual([name.toLowerCase(), "v"]);
  });

  test.each([
    ":authority",
    "content-type",
    "user-agent",
    "User-Agent",
    "te",
    "grpc-message-type",
    "grpc-encoding",
    "grpc-message",
    "grpc-status",
    "grpc-timeout",
    "destination-app-id",
  ])("%s is not sent", (name) => {
    expect(convert([name, "v"])).toEqual([]);
  });

  test("binary values", () => {
    expect(convert(["a-bin", "AQ==", "a-bin", "!", "X-B-Bin", "raw"])).toEqual([
      "a-bin",
      "AQ",
      "x-b-bin",
      "cmF3",
    ]);
  });

  test("trace context is handed over separately", () => {
    expect(
      metadataToGrpc(["Traceparent", "p", "tracestate", "s", "grpc-trace-bin", "b"], {
        httpConversion: true,
      }),
    ).toEqual({ headers: [], traceparent: "p", tracestate: "s", grpcTraceBin: "b" });
  });

  test.each([
    ["x~y", "v", 'header key "x~y" contains illegal characters not in [0-9a-z-_.]'],
    ["x", "\xe4", 'header key "x" contains value with non-printable ASCII characters'],
    ["", "v", "there is an empty key in the header"],
  ])("%j: %j cannot be carried", (name, value, message) => {
    expect(() => convert([name, value])).toThrow(
      expect.objectContaining({
        code: "OTR_PROTOCOL_VIOLATION",
        message,
        rpc: { code: 13, message },
      }),
    );
  });
});
