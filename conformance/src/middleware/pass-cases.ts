import assert from "node:assert/strict";
import type { HeaderList, HttpRequest } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import {
  answerOf,
  bytesOf,
  expectBytes,
  expectedAnswer,
  expectedBody,
  expectedFields,
  expectHeaders,
  passThrough,
  requestOf,
  withMiddleware,
} from "./bench.ts";
import type { MiddlewareSubject } from "./subject.ts";

/** Repeated names, an empty value, and bytes that are no UTF-8. */
const unusualHeaders: HeaderList = [
  ...["X-Conformance", "one"],
  ...["x-conformance", "two"],
  ...["X-Empty", ""],
  ...["X-Bytes", "caf\u00e9 \u0080\u00ff"],
];

const allBytes = Uint8Array.from({ length: 1_024 }, (_, index) => index % 256);

function moreHeaders(subject: MiddlewareSubject): HeaderList {
  return [...(subject.passing?.headers ?? []), ...unusualHeaders];
}

/** What goes through arrives. */
export const passCases: readonly ConformanceCase<MiddlewareSubject>[] = [
  {
    id: "middleware/pass/request-line",
    title: "method, path and query arrive, changed on purpose only",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const request = requestOf(subject);
        const { arrived } = await passThrough(component, request);
        const expected = expectedFields(subject, request);
        assert.equal(arrived.method, expected.method);
        assert.equal(arrived.path, expected.path);
        assert.equal(arrived.query, expected.query);
      }),
  },
  {
    id: "middleware/pass/request-headers",
    title: "headers of a request arrive in their order, repeats and bytes beyond ASCII included",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const request = requestOf(subject, { headers: moreHeaders(subject) });
        const { arrived } = await passThrough(component, request);
        expectHeaders(arrived.headers, expectedFields(subject, request).headers, "request");
      }),
  },
  {
    id: "middleware/pass/request-rest",
    title: "what else a request has arrives: the client's address, its trace, its first path",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const rest = {
          remoteAddress: "192.0.2.7",
          originalPath: "/as-it-came",
          trace: { traceparent: "00-1-2-01", tracestate: "a=b" },
        } satisfies Partial<HttpRequest>;
        const { arrived } = await passThrough(component, requestOf(subject, rest));
        const { remoteAddress, originalPath, trace } = arrived;
        assert.deepEqual({ remoteAddress, originalPath, trace }, rest);
      }),
  },
  {
    id: "middleware/pass/statuses",
    title: "every status of an answer passes",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        for (const status of [101, 200, 201, 204, 304, 400, 404, 429, 500, 503, 599]) {
          const { response } = await passThrough(
            component,
            requestOf(subject),
            answerOf({ status }),
          );
          assert.equal(response.status, status);
        }
      }),
  },
  {
    id: "middleware/pass/answer-headers",
    title: "headers of an answer pass in their order, repeats and bytes beyond ASCII included",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const headers = [...unusualHeaders, "Set-Cookie", "a=1", "Set-Cookie", "b=2"];
        const { response } = await passThrough(
          component,
          requestOf(subject),
          answerOf({ headers }),
        );
        expectHeaders(response.headers, headers, "answer");
      }),
  },
  {
    id: "middleware/pass/nothing-changed-in-place",
    title: "the request, the answer and the lists in them are not written to",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const headers = Object.freeze(moreHeaders(subject));
        const request = Object.freeze(requestOf(subject, { headers }));
        const answer = Object.freeze(answerOf({ headers: Object.freeze(["X-One", "1"]) }));
        await passThrough(component, request, answer);
      }),
  },
  {
    id: "middleware/body/request-bytes",
    title: "a body in memory arrives byte for byte, an empty one empty",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        for (const bytes of [allBytes, bytesOf("")]) {
          const request = requestOf(subject, { body: bytes.slice() });
          const { arrivedBody } = await passThrough(component, request);
          expectBytes(arrivedBody, expectedBody(subject, bytes), "at the app");
        }
      }),
  },
  {
    id: "middleware/body/answer-bytes",
    title: "the body of an answer passes byte for byte, an empty one empty",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        for (const bytes of [allBytes, bytesOf("")]) {
          const answer = answerOf({ body: bytes.slice() });
          const { answerBody } = await passThrough(component, requestOf(subject), answer);
          expectBytes(answerBody, expectedAnswer(subject, bytes), "at the client");
        }
      }),
  },
  {
    id: "middleware/body/bytes-are-the-senders",
    title: "the sender's bytes stay as they are: they may be sent again",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const [sent, answered] = [allBytes.slice(), allBytes.slice()];
        const request = requestOf(subject, { body: sent });
        await passThrough(component, request, answerOf({ body: answered }));
        expectBytes(sent, allBytes, "the request's bytes");
        expectBytes(answered, allBytes, "the answer's bytes");
      }),
  },
];
