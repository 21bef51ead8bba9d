import {
  appPaths,
  daprPaths,
  decodeGrpcMessage,
  decodeTraceBin,
  encodeErrorInfo,
  encodeGrpcMessage,
  encodeTraceBin,
  errorBody,
  errorInfoTypeUrl,
  foreignDaprPaths,
  formatGrpcTimeout,
  formatTraceparent,
  HttpVerb,
  httpReasonPhrase,
  httpStatusToRpcCode,
  httpVerbName,
  httpVerbNumber,
  isValidBaggage,
  ProtoWriter,
  parseGrpcTimeout,
  parseTraceparent,
  rpcCodeToHttpStatus,
  serviceInvocationPaths,
  statusToJson,
} from "@outrigger/protocol";
import { describe, expect, test } from "vitest";

test.each([
  [200, 0],
  [204, 0],
  [299, 0],
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 5],
  [408, 1],
  [409, 6],
  [429, 8],
  [500, 2],
  [501, 12],
  [503, 14],
  [504, 4],
  [100, 2],
  [302, 2],
  [418, 2],
  [502, 2],
])("HTTP %i is RPC code %i", (status, code) => {
  expect(httpStatusToRpcCode(status)).toBe(code);
});

test.each([
  [0, 200],
  [1, 408],
  [2, 500],
  [3, 400],
  [4, 504],
  [5, 404],
  [6, 409],
  [7, 403],
  [8, 429],
  [9, 400],
  [10, 409],
  [11, 400],
  [12, 501],
  [13, 500],
  [14, 503],
  [15, 500],
  [16, 401],
  [99, 500],
])("RPC code %i is HTTP %i", (code, status) => {
  expect(rpcCodeToHttpStatus(code)).toBe(status);
});

test("verbs map in both directions, unknown ones as Dapr maps them", () => {
  for (const [name, number] of Object.entries(HttpVerb)) {
    expect(httpVerbNumber(name)).toBe(number);
    expect(httpVerbName(number)).toBe(name);
  }
  expect(httpVerbNumber("")).toBe(0);
  expect(httpVerbNumber("PROPFIND")).toBe(HttpVerb.POST);
  expect(httpVerbName(42)).toBe("42");
  expect(httpVerbNumber("42")).toBe(42);
});

test("reason phrases are Go's", () => {
  expect(httpReasonPhrase(404)).toBe("Not Found");
  expect(httpReasonPhrase(413)).toBe("Request Entity Too Large");
  expect(httpReasonPhrase(418)).toBe("I'm a teapot");
  expect(httpReasonPhrase(509)).toBe("");
});

test("method paths", () => {
  expect(serviceInvocationPaths.CallLocalStream).toBe(
    "/dapr.proto.internals.v1.ServiceInvocation/CallLocalStream",
  );
  expect(daprPaths.InvokeService).toBe("/dapr.proto.runtime.v1.Dapr/InvokeService");
  expect(appPaths.OnInvoke).toBe("/dapr.proto.runtime.v1.AppCallback/OnInvoke");
  expect(foreignDaprPaths.get("/dapr.proto.runtime.v1.Dapr/GetState")).toBe("state");
  expect(foreignDaprPaths.get("/dapr.proto.runtime.v1.Dapr/RaiseEventWorkflowBeta1")).toBe(
    "workflow",
  );
  for (const path of Object.values(daprPaths)) expect(foreignDaprPaths.has(path)).toBe(false);
});

describe("trace context", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const spanId = "b7ad6b7169203331";

  test.each([
    `00-${traceId}-${spanId}-01`,
    `01-${traceId}-${spanId}-01-more`,
    `fe-${traceId}-${spanId}-0102`,
  ])("%s is valid", (text) => {
    expect(parseTraceparent(text)).toEqual({ traceId, spanId, flags: 1 });
  });

  test.each([
    "",
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-0102`,
    `00-${traceId}-${spanId}-1`,
    `00-${traceId}-${spanId}`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    ` 00-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\n`,
  ])("%j is absent", (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  test("text and binary form", () => {
    const context = { traceId, spanId, flags: 1 };
    expect(formatTraceparent(context)).toBe(`00-${traceId}-${spanId}-01`);
    const binary = Buffer.from(`0000${traceId}01${spanId}0201`, "hex");
    expect(encodeTraceBin(context)).toBe(binary.toString("base64").replace(/=+$/, ""));
    expect(decodeTraceBin(binary.toString("base64"))).toEqual(context);
    expect(decodeTraceBin(encodeTraceBin(context))).toEqual(context);
    const short = binary.subarray(0, 18).toString("base64");
    expect(decodeTraceBin(short)).toEqual({ traceId, spanId: "0".repeat(16), flags: 0 });
  });

  test.each(["", "!", "AAAA", Buffer.alloc(29, 1).toString("base64")])(
    "%j is malformed",
    (text) => {
      expect(decodeTraceBin(text)).toBeUndefined();
    },
  );
});

describe("baggage", () => {
  test.each(["", "a=b", "a=b,c=d", " a = b ; p ; q=1 , c=", "a=%20x", "k=a:b/c?d=e"])(
    "%j is valid",
    (text) => {
      expect(isValidBaggage(text)).toBeUndefined();
    },
  );

  test.each([
    ["a=b,", 'invalid baggage list-member: ""'],
    ["novalue", 'invalid baggage list-member: "novalue"'],
    ["=b", 'invalid key: ""'],
    ["a b=c", 'invalid key: "a b"'],
    ["a=b c", 'invalid value: "b c"'],
    ['a="b"', 'invalid value: "\\"b\\""'],
    ["a=\xe4", "invalid value: "],
    ["a=%zz", 'invalid value: invalid URL escape "%zz"'],
    ["a=b;", 'invalid baggage list-member property: ""'],
    ["a=".padEnd(8193, "x"), "baggage-string too large: 8193"],
    [Array.from({ length: 65 }, (_, i) => `k${i}=v`).join(), "too many list-members"],
  ])("%.20j is refused", (text, problem) => {
    expect(isValidBaggage(text)).toContain(problem);
  });
});

test("error bodies are escaped as Go's encoder does", () => {
  const text = (message: string) => Buffer.from(errorBody("ERR_X", message)).toString();
  expect(text("plain ü")).toBe('{"errorCode":"ERR_X","message":"plain ü"}');
  expect(text('<a> & "b" \\ \u2028\u2029\n\u0001')).toBe(
    '{"errorCode":"ERR_X","message":"\\u003ca\\u003e \\u0026 \\"b\\" \\\\ \\u2028\\u2029\\n\\u0001"}',
  );
  expect(text("😀\ud800")).toBe('{"errorCode":"ERR_X","message":"😀\ufffd"}');
});

test("status messages are percent-encoded", () => {
  expect(encodeGrpcMessage("plain text ~")).toBe("plain text ~");
  expect(encodeGrpcMessage("100% ü\n")).toBe("100%25 %C3%BC%0A");
  for (const text of ["", "100% ü\n😀", "a%41"]) {
    expect(decodeGrpcMessage(encodeGrpcMessage(text))).toBe(text);
  }
  expect(decodeGrpcMessage("50% off %zz %4")).toBe("50% off %zz %4");
});

test.each([
  ["1S", 1000],
  ["20m", 20],
  ["1500u", 1.5],
  ["1n", 1e-6],
  ["2M", 120_000],
  ["1H", 3_600_000],
  ["0n", 0],
  ["99999999S", 99_999_999_000],
])("grpc-timeout %s is %d ms", (text, ms) => {
  expect(parseGrpcTimeout(text)).toBe(ms);
});

test.each(["", "S", "1", "1s", "-1S", "1.5S", "123456789n", " 1S"])("%j is no timeout", (text) => {
  expect(parseGrpcTimeout(text)).toBeUndefined();
});

test("timeouts are written in the finest unit that fits, never shortened", () => {
  expect(formatGrpcTimeout(0)).toBe("0n");
  expect(formatGrpcTimeout(-5)).toBe("0n");
  expect(formatGrpcTimeout(5)).toBe("5000000n");
  expect(formatGrpcTimeout(1000)).toBe("1000000u");
  expect(formatGrpcTimeout(Number.POSITIVE_INFINITY)).toBe("99999999H");
  for (const ms of [1, 99.99, 100, 12345, 99_999_999, 123_456_789, 1e12]) {
    const text = formatGrpcTimeout(ms);
    expect(text).toMatch(/^\d{1,8}[HMSmun]$/);
    expect(parseGrpcTimeout(text)).toBeGreaterThanOrEqual(ms - 1e-9);
  }
});

describe("status as JSON", () => {
  test("without details", () => {
    expect(statusToJson({ code: 5, message: "gone", details: [] })).toBe(
      '{"code":5,"message":"gone"}',
    );
  });

  test("with ErrorInfo", () => {
    const value = encodeErrorInfo({ reason: "fakeReason", domain: "", metadata: { a: "b" } });
    const details = [{ typeUrl: errorInfoTypeUrl, value }];
    expect(JSON.parse(statusToJson({ code: 3, message: "InvalidArgument", details }))).toEqual({
      code: 3,
      message: "InvalidArgument",
      details: [{ "@type": errorInfoTypeUrl, reason: "fakeReason", metadata: { a: "b" } }],
    });
  });

  const detail = (name: string, write: (writer: ProtoWriter) => void) => {
    const writer = new ProtoWriter();
    write(writer);
    const typeUrl = `type.googleapis.com/google.rpc.${name}`;
    const json = statusToJson({
      code: 1,
      message: "",
      details: [{ typeUrl, value: writer.finish() }],
    });
    const { "@type": type, ...fields } = JSON.parse(json).details[0];
    expect(type).toBe(typeUrl);
    return fields;
  };
  const nested = (writer: ProtoWriter, field: number, write: () => void) => {
    const mark = writer.begin(field);
    write();
    writer.end(mark);
  };

  test("with flat details", () => {
    const two = (writer: ProtoWriter) => {
      writer.text(2, "b");
      writer.text(1, "a");
    };
    expect(detail("RequestInfo", two)).toEqual({ requestId: "a", servingData: "b" });
    expect(detail("LocalizedMessage", two)).toEqual({ locale: "a", message: "b" });
    expect(detail("DebugInfo", two)).toEqual({ stackEntries: ["a"], detail: "b" });
    expect(detail("ResourceInfo", two)).toEqual({ resourceType: "a", resourceName: "b" });
  });

  test("with lists of messages", () => {
    const list = (writer: ProtoWriter) => {
      for (const text of ["a", "b"]) nested(writer, 1, () => writer.text(1, text));
    };
    expect(detail("BadRequest", list)).toEqual({
      fieldViolations: [{ field: "a" }, { field: "b" }],
    });
    expect(detail("PreconditionFailure", list)).toEqual({
      violations: [{ type: "a" }, { type: "b" }],
    });
    expect(detail("Help", list)).toEqual({ links: [{ description: "a" }, { description: "b" }] });
    const quota = (writer: ProtoWriter) => nested(writer, 1, () => writer.uint(7, 2 ** 40));
    expect(detail("QuotaFailure", quota)).toEqual({
      violations: [{ quotaValue: "1099511627776" }],
    });
  });

  test.each([
    [3, 500_000_000, "3.500s"],
    [0, 1, "0.000000001s"],
    [-1, -500_000, "-1.000500s"],
    [7, 0, "7s"],
    [0, 0, "0s"],
  ])("with a retry delay of %i s and %i ns", (seconds, nanos, text) => {
    const delay = (writer: ProtoWriter) =>
      nested(writer, 1, () => {
        writer.int32(1, seconds);
        writer.int32(2, nanos);
      });
    expect(detail("RetryInfo", delay)).toEqual({ retryDelay: text });
  });

  test.each(["type.googleapis.com/example.Unknown", ""])("refuses the type %j", (typeUrl) => {
    const details = [{ typeUrl, value: new Uint8Array(0) }];
    expect(() => statusToJson({ code: 1, message: "", details })).toThrow(
      expect.objectContaining({ code: "OTR_PROTOCOL_VIOLATION" }),
    );
  });
});
