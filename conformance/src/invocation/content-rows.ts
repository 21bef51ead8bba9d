import { patterned, pieces } from "../transport/calls.ts";
import type { InvocationRow } from "./row.ts";

const mebibyte = 1_024 * 1_024;
const done = Buffer.from("done");
const nothing = Buffer.alloc(0);

const verbs: readonly InvocationRow[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map(
  (verb) => ({
    id: `invocation/verb/${verb.toLowerCase()}`,
    title: `${verb} arrives as ${verb}`,
    call: { both: { verb } },
    reply: { both: { body: () => done } },
    app: { both: { verb } },
    answer: {
      http: { status: 200, body: done },
      grpc: { status: 0, body: done },
    },
  }),
);

const otherVerbs: readonly InvocationRow[] = [
  {
    id: "invocation/verb/head",
    title: "HEAD arrives as HEAD, and HTTP answers to it have no body",
    call: { both: { verb: "HEAD" } },
    reply: { both: { headers: ["x-reply", "1"], body: () => done } },
    app: { both: { verb: "HEAD" } },
    answer: {
      both: { headers: { "x-reply": ["1"] } },
      "http-http": { status: 200, body: nothing, headers: { "x-reply": ["1"] } },
      "http-grpc": { status: 200, body: nothing, headers: { "x-reply": ["1"] } },
      "grpc-http": { status: 0, body: nothing, headers: { "x-reply": ["1"] } },
      "grpc-grpc": { status: 0, body: done, headers: { "x-reply": ["1"] } },
    },
  },
  {
    id: "invocation/verb/unknown",
    title: "a verb that the protocol does not know arrives as POST",
    pairs: ["http-http", "http-grpc"],
    call: { http: { verb: "PROPFIND" } },
    app: { both: { verb: "POST" } },
    answer: { http: { status: 200 } },
  },
  {
    id: "invocation/verb/missing",
    title: "without a verb, gRPC apps are called and HTTP apps are not",
    pairs: ["grpc-grpc"],
    call: { grpc: { verb: "" } },
    app: { grpc: { verb: "" } },
    answer: { grpc: { status: 0 } },
  },
  {
    id: "invocation/verb/missing-for-http",
    title: "a call without a verb is refused before an HTTP app",
    pairs: ["grpc-http"],
    call: { grpc: { verb: "" } },
    app: "not called",
    answer: {
      grpc: {
        status: 13,
        says: ["failed to invoke, id: callee, err: ", "missing HTTP extension field"],
      },
    },
  },
];

/** Paths of HTTP clients, escaped, and what the two kinds of apps get. */
const httpPaths: readonly (readonly [string, string, string, string, string])[] = [
  ["utf-8", "escaped UTF-8 keeps its bytes", "caf%C3%A9", "/caf%C3%A9", "caf\xc3\xa9"],
  ["slashes", "repeated slashes are one", "a//b///c", "/a/b/c", "a/b/c"],
  ["trailing-slash", "a slash at the end is dropped", "foo/", "/foo", "foo"],
  ["dot-segments", "dot segments are resolved", "public/../admin/./x", "/admin/x", "admin/x"],
  ["escaped-dots", "escaped dot segments are resolved", "a%2F..%2Fpublic", "/public", "public"],
  ["percent", "a doubly escaped character loses one layer", "a%2520b", "/a%20b", "a%20b"],
  ["backslash", "a backslash separates nothing", "a%5Cb", "/a%5Cb", "a\\b"],
  ["star", "an escaped star arrives as a star", "a%2Ab", "/a*b", "a*b"],
  ["empty", "an empty method is the root", "", "/", ""],
];

const paths: readonly InvocationRow[] = httpPaths.map(([name, title, method, atHttp, atGrpc]) => ({
  id: `invocation/path/${name}`,
  title: `in an HTTP client's path, ${title}`,
  pairs: ["http-http", "http-grpc"],
  call: { http: { method } },
  app: { http: { path: atHttp }, grpc: { path: atGrpc } },
  answer: { http: { status: 200 } },
}));

const grpcPaths: readonly InvocationRow[] = [
  {
    id: "invocation/path/grpc-cleaned",
    title: "a gRPC client's method is cleaned as a path is",
    pairs: ["grpc-http", "grpc-grpc"],
    call: { grpc: { method: "a//b/../c/" } },
    app: { http: { path: "/a/c" }, grpc: { path: "a/c" } },
    answer: { grpc: { status: 0 } },
  },
  {
    id: "invocation/path/grpc-literal",
    title: "escapes in a gRPC client's method stay as they are",
    pairs: ["grpc-http", "grpc-grpc"],
    call: { grpc: { method: "admin%2F..%2Fpublic" } },
    app: { http: { path: "/admin%2F..%2Fpublic" }, grpc: { path: "admin%2F..%2Fpublic" } },
    answer: { grpc: { status: 0 } },
  },
  {
    id: "invocation/path/query",
    title: "the query arrives byte for byte",
    call: { both: { query: "a=1&b=%20x&a=2&empty=&c=%C3%A9+d" } },
    app: {
      both: { path: "orders", query: "a=1&b=%20x&a=2&empty=&c=%C3%A9+d" },
      http: { path: "/orders", query: "a=1&b=%20x&a=2&empty=&c=%C3%A9+d" },
    },
    answer: { http: { status: 200 }, grpc: { status: 0 } },
  },
];

const contentTypes: readonly InvocationRow[] = [
  {
    id: "invocation/content-type/kept",
    title: "content types of request and answer arrive as they were written",
    call: { both: { contentType: "application/json; charset=utf-8", body: () => done } },
    reply: { both: { contentType: "application/vnd.shop+xml", body: () => done } },
    app: { both: { contentType: "application/json; charset=utf-8", body: done } },
    answer: { both: { contentType: "application/vnd.shop+xml", body: done } },
  },
  {
    id: "invocation/content-type/none",
    title: "a request without a content type arrives without one",
    call: { both: { body: () => done } },
    app: { both: { contentType: "", body: done } },
    answer: { http: { status: 200 }, grpc: { status: 0 } },
  },
  {
    id: "invocation/content-type/type-url",
    title: "the type of a gRPC client's message is kept, and application/x-protobuf for HTTP apps",
    pairs: ["grpc-http", "grpc-grpc"],
    call: { grpc: { typeUrl: "type.example/Order", body: () => done } },
    app: {
      http: { contentType: "application/x-protobuf", body: done },
      grpc: { typeUrl: "type.example/Order", body: done },
    },
    answer: { grpc: { status: 0 } },
  },
  {
    id: "invocation/content-type/reply-type-url",
    title: "the type of a gRPC app's message is kept, and application/x-protobuf for HTTP clients",
    pairs: ["http-grpc", "grpc-grpc"],
    reply: { grpc: { typeUrl: "type.example/Order", body: () => done } },
    app: {},
    answer: {
      http: { contentType: "application/x-protobuf", body: done },
      grpc: { typeUrl: "type.example/Order", body: done },
    },
  },
];

const sizes: readonly (readonly [string, string, number])[] = [
  ["empty", "an empty body", 0],
  ["small", "a body of three bytes", 3],
  ["1-mib", "a body of 1 MiB", mebibyte],
  ["8-mib", "a body of 8 MiB", 8 * mebibyte],
];

const bodies: readonly InvocationRow[] = sizes.map(([name, title, size]) => {
  const bytes = patterned(size);
  return {
    id: `invocation/body/${name}`,
    title: `${title} arrives whole in both directions`,
    call: { both: { body: () => bytes } },
    reply: { both: { body: "echo" } },
    app: { both: { body: bytes } },
    answer: { http: { status: 200, body: bytes }, grpc: { status: 0, body: bytes } },
  };
});

const streamed: readonly InvocationRow[] = [
  {
    id: "invocation/body/streamed-8-mib",
    title: "8 MiB without a declared length arrive whole in both directions",
    needs: { ingress: ["streams"] },
    call: { both: { body: () => pieces(cut(patterned(8 * mebibyte), 65_536)) } },
    reply: { both: { body: "echo" } },
    app: { both: { body: patterned(8 * mebibyte) } },
    answer: { http: { status: 200, body: patterned(8 * mebibyte) } },
  },
  {
    id: "invocation/body/streamed-empty",
    title: "a body without a declared length may turn out empty",
    needs: { ingress: ["streams"] },
    call: { both: { body: () => pieces([]) } },
    app: { both: { body: nothing } },
    answer: { http: { status: 200, body: nothing } },
  },
];

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) all.push(bytes.subarray(at, at + size));
  return all;
}

/** What a call says and carries. */
export const contentRows: readonly InvocationRow[] = [
  ...verbs,
  ...otherVerbs,
  ...paths,
  ...grpcPaths,
  ...contentTypes,
  ...bodies,
  ...streamed,
];
