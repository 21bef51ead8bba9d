import { once } from "node:events";
import { connect } from "node:http2";
import {
  decodeGrpcMessage,
  frameMessage,
  GrpcServer,
  type GrpcServerCall,
} from "@outrigger/grpc-http2";
import { afterEach, expect, test } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Answer {
  readonly http: number;
  readonly code: number;
  readonly message: string;
}

/** What a server that takes every path answers to headers that Node lets through. */
async function ask(headers: Readonly<Record<string, string>>): Promise<Answer> {
  const finish = async (call: GrpcServerCall): Promise<void> => call.finish();
  const server = new GrpcServer({ methods: new Map([["/a/b", finish]]), unknownMethod: finish });
  const { port } = await server.listen("127.0.0.1", 0);
  const session = connect(`http://127.0.0.1:${port}`);
  cleanups.push(
    () => server.close(),
    () => session.destroy(),
  );
  const stream = session.request({
    ":method": "POST",
    ":path": "/a/b",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => undefined);
  stream.end(frameMessage(Buffer.from("x")));
  const [head] = await once(stream, "response");
  stream.resume();
  return {
    http: head[":status"],
    code: Number(head["grpc-status"]),
    message: decodeGrpcMessage(String(head["grpc-message"] ?? "")),
  };
}

test.for([
  [{ "content-type": "application/grpc;x" }],
  [{ "content-type": "application/grpc+json" }],
  [{ "x-bin": "AAEC" }],
  [{ "x-bin": "AAE" }],
  [{ "x-bin": "AAE=" }],
  [{ "x-bin": "AA==" }],
  [{ "x-bin": "" }],
  [{ "x-bin": "AAE,AAEC, AA==" }],
  [{ "grpc-encoding": "identity" }],
  [{ "grpc-encoding": "gzip" }],
] as const)("%j is taken", async ([headers]) => {
  expect(await ask(headers)).toEqual({ http: 200, code: 0, message: "" });
});

test.for([
  ["A", 0],
  ["AAEC!", 4],
  ["!", 0],
  ["AA=A", 2],
  ["A===", 1],
  ["AAE=AAEC", 4],
  ["AA==AAEC", 4],
  ["AAECA", 4],
  ["AAEC-_AA", 4],
] as const)(
  "binary metadata %s is refused, with the place where it breaks",
  async ([value, at]) => {
    expect(await ask({ "x-bin": value })).toEqual({
      http: 400,
      code: 13,
      message: `malformed binary metadata "${value}" in header "x-bin": illegal base64 data at input byte ${at}`,
    });
  },
);

test.for([
  ["5", 'transport: timeout string is too short: "5"'],
  ["123456789S", 'transport: timeout string is too long: "123456789S"'],
  ["5x", 'transport: timeout unit is not recognized: "5x"'],
  ["-5S", 'strconv.ParseUint: parsing "-5": invalid syntax'],
] as const)("timeout %s is refused", async ([value, text]) => {
  expect(await ask({ "grpc-timeout": value })).toEqual({
    http: 400,
    code: 13,
    message: `malformed grpc-timeout: ${text}`,
  });
});

test.for(["/foo", "/"])("path %s names no method", async (path) => {
  expect(await ask({ ":path": path })).toEqual({
    http: 200,
    code: 12,
    message: `malformed method name: "${path}"`,
  });
});

test("a compression that nobody here has to read is passed on", async () => {
  const answer = await ask({ ":path": "/proxied/call", "grpc-encoding": "snappy" });
  expect(answer).toEqual({ http: 200, code: 0, message: "" });
});

test("a compression that nobody can read is refused before the handler", async () => {
  expect(await ask({ "grpc-encoding": "snappy" })).toEqual({
    http: 200,
    code: 12,
    message: 'grpc: Decompressor is not installed for grpc-encoding "snappy"',
  });
});

test.for(["text/plain", "application/grpcx", "application/grpc-web"])(
  "content type %s is refused",
  async (type) => {
    expect(await ask({ "content-type": type })).toEqual({
      http: 415,
      code: 3,
      message: `invalid gRPC request content-type "${type}"`,
    });
  },
);
