import assert from "node:assert/strict";
import {
  type Body,
  type HeaderList,
  type HttpHandler,
  type HttpMiddlewareComponent,
  type HttpRequest,
  type HttpResponse,
  isBuffered,
  readBody,
} from "@outrigger/core";
import { testContext } from "../context.ts";
import type { MiddlewareSubject, RequestFields } from "./subject.ts";

/** Longest body that the cases collect. */
const maxCollectedBytes = 16_777_216;

/** Bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A request that the subject lets through, unless the fields say otherwise. */
export function requestOf(
  { passing = {} }: MiddlewareSubject,
  fields: Partial<HttpRequest> = {},
): HttpRequest {
  const body = fields.body ?? bytesOf("a body");
  return {
    method: "POST",
    path: "/orders",
    query: "page=1",
    headers: [],
    body,
    bodyLength: isBuffered(body) ? body.length : undefined,
    signal: new AbortController().signal,
    ...passing,
    ...fields,
  };
}

/** What arrives behind the subject. */
export function expectedFields(
  { changes = {} }: MiddlewareSubject,
  request: HttpRequest,
): RequestFields {
  const { method, path, query, headers } = request;
  const fields: RequestFields = { method, path, query, headers };
  return changes.request?.(fields) ?? fields;
}

/** The body that arrives behind the subject. */
export function expectedBody({ changes = {} }: MiddlewareSubject, bytes: Uint8Array): Uint8Array {
  return changes.requestBody?.(bytes) ?? bytes;
}

/** The body that the client gets. */
export function expectedAnswer({ changes = {} }: MiddlewareSubject, bytes: Uint8Array): Uint8Array {
  return changes.answerBody?.(bytes) ?? bytes;
}

/** An answer of the app. */
export function answerOf(fields: Partial<HttpResponse> = {}): HttpResponse {
  return { status: 200, headers: [], body: bytesOf("an answer"), ...fields };
}

/** Reads a body to its end. */
export function collect(body: Body): Promise<Uint8Array> {
  return readBody(body, maxCollectedBytes);
}

/** Runs the work with a started middleware and stops it afterwards. */
export async function withMiddleware<T>(
  subject: MiddlewareSubject,
  signal: AbortSignal,
  work: (component: HttpMiddlewareComponent) => Promise<T>,
  component: HttpMiddlewareComponent = subject.create(testContext()),
): Promise<T> {
  try {
    await component.start?.(signal);
    return await work(component);
  } finally {
    await component.stop?.();
  }
}

/** What a request came to on both sides of the middleware. */
export interface Passage {
  readonly arrived: HttpRequest;
  readonly arrivedBody: Uint8Array;
  readonly response: HttpResponse;
  readonly answerBody: Uint8Array;
}

/** Sends one request through, with an app that reads all of it and then answers. */
export async function passThrough(
  component: HttpMiddlewareComponent,
  request: HttpRequest,
  answer: HttpResponse = answerOf(),
): Promise<Passage> {
  const arrivals: { readonly request: HttpRequest; readonly body: Uint8Array }[] = [];
  const response = await component.handle(request, async (passed) => {
    arrivals.push({ request: passed, body: await collect(passed.body) });
    return answer;
  });
  const [arrival] = arrivals;
  assert.ok(arrival, `the request was not passed on: ${response.status}`);
  assert.equal(arrivals.length, 1, "how often the request was passed on");
  return {
    arrived: arrival.request,
    arrivedBody: arrival.body,
    response,
    answerBody: await collect(response.body),
  };
}

/** Rejects unless all headers are there, in this order; others may stand between them. */
export function expectHeaders(found: HeaderList, expected: HeaderList, what: string): void {
  let at = 0;
  for (let index = 0; index < expected.length; index += 2) {
    const name = expected[index];
    const value = expected[index + 1];
    while (at < found.length && !(found[at] === name && found[at + 1] === value)) at += 2;
    assert.ok(at < found.length, `${what}: ${name}: ${value} is missing, found ${found.join()}`);
    at += 2;
  }
}

/** Rejects unless the bytes are the same. */
export function expectBytes(found: Uint8Array, expected: Uint8Array, what: string): void {
  assert.ok(
    Buffer.compare(found, expected) === 0,
    `${what}: ${describe(found)}, expected ${describe(expected)}`,
  );
}

function describe(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 40)).toString("latin1");
  return `${bytes.length} bytes ${JSON.stringify(start)}`;
}

/** A handler that answers at once, without reading. */
export const answersAtOnce: HttpHandler = async () => answerOf();
