import type { AnswerExpectation } from "./expect.ts";
import type { ByPair, InvocationRow } from "./row.ts";

/** A failure of the sidecars as each API tells it. */
function refused(id: string, ...says: readonly string[]): ByPair<AnswerExpectation> {
  const words = [`failed to invoke, id: ${id}, err: `, ...says];
  return {
    http: { status: 500, contentType: "application/json", says: ["ERR_DIRECT_INVOKE", ...words] },
    grpc: { status: 13, says: words },
  };
}

/** How calls fail that no app has answered. */
export const failureRows: readonly InvocationRow[] = [
  {
    id: "invocation/failure/app-absent",
    title: "an HTTP app that does not listen is the sidecar's failure, a gRPC app's is UNAVAILABLE",
    appIs: "absent",
    answer: {
      ...refused("callee"),
      "http-grpc": { status: 503, contentType: "text/plain; charset=utf-8", says: ['"code":14'] },
      "grpc-grpc": { status: 14, says: [] },
    },
  },
  {
    id: "invocation/failure/no-app",
    title: "a sidecar without an app refuses",
    appIs: "none",
    answer: refused("callee", "app channel is not initialized"),
  },
  {
    id: "invocation/failure/break-off",
    title: "an app that closes its connection instead of answering is a failure",
    reply: { both: { breaksOff: true } },
    app: {},
    answer: { both: { fails: true } },
  },
  {
    id: "invocation/failure/unknown-app",
    title: "an app that nobody knows is a failure that names it",
    call: { both: { target: "nowhere" } },
    app: "not called",
    answer: refused("nowhere"),
  },
  {
    id: "invocation/failure/bad-app-id",
    title: "an id of three parts is refused",
    call: { both: { target: "a.b.c" } },
    app: "not called",
    answer: refused("a.b.c", "invalid app id a.b.c"),
  },
  {
    id: "invocation/failure/forbidden-character",
    title: "a method with a fragment, a query or a NUL in it is refused",
    call: { http: { method: "a%23b%3Fc%00" }, grpc: { method: "a#b?c\0" } },
    app: "not called",
    answer: refused("callee", "method contains forbidden character"),
  },
  {
    id: "invocation/failure/control-character",
    title: "a method with a control character is refused",
    call: { http: { method: "ab%0Dc" }, grpc: { method: "ab\rc" } },
    app: "not called",
    answer: refused("callee", "method contains control character at position 2"),
  },
];
