import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { HeaderList } from "@outrigger/core";
import type { AppRequest, ClientAnswer, InvocationProtocol } from "./subject.ts";

/** Values by lower-case name, in order; `null`: there must be none. */
export type ExpectedHeaders = Readonly<Record<string, readonly (string | RegExp)[] | null>>;

/** What the app must see. What is left out may be anything. */
export interface AppExpectation {
  readonly path?: string;
  readonly query?: string;
  readonly verb?: string;
  readonly contentType?: string;
  readonly typeUrl?: string;
  readonly headers?: ExpectedHeaders;
  readonly body?: Uint8Array;
}

/** What the client must get. What is left out may be anything. */
export interface AnswerExpectation {
  readonly status?: number;
  /** The status, whichever it is, is a failure. */
  readonly fails?: boolean;
  /** Message of a gRPC status. */
  readonly message?: string;
  /** Parts of the message (gRPC) or the body (HTTP). */
  readonly says?: readonly string[];
  readonly contentType?: string;
  readonly typeUrl?: string;
  readonly headers?: ExpectedHeaders;
  readonly trailers?: ExpectedHeaders;
  readonly body?: Uint8Array;
  /** The body as JSON. */
  readonly json?: unknown;
  /** Type URL of each detail, and texts that its bytes contain. */
  readonly details?: readonly { readonly typeUrl: string; readonly has: readonly string[] }[];
}

/** @throws AssertionError. */
export function checkApp(request: AppRequest, body: Uint8Array, expected: AppExpectation): void {
  for (const field of ["path", "query", "verb", "contentType", "typeUrl"] as const) {
    const value = expected[field];
    if (value !== undefined) equal(request[field], value, `${field} at the app: ${request[field]}`);
  }
  checkHeaders("request header at the app", request.headers, expected.headers);
  if (expected.body !== undefined) checkBytes("request body at the app", body, expected.body);
}

/** @throws AssertionError. */
export function checkAnswer(
  answer: ClientAnswer,
  body: Uint8Array,
  protocol: InvocationProtocol,
  expected: AnswerExpectation,
): void {
  const said =
    protocol === "http" ? Buffer.from(body.subarray(0, 2_000)).toString() : answer.message;
  if (expected.status !== undefined) {
    equal(answer.status, expected.status, `status of the answer is ${answer.status}: ${said}`);
  }
  if (expected.fails === true) {
    ok(protocol === "http" ? answer.status >= 400 : answer.status !== 0, "the answer is a failure");
  }
  for (const field of ["message", "contentType", "typeUrl"] as const) {
    const value = expected[field];
    if (value !== undefined)
      equal(answer[field], value, `${field} of the answer: ${answer[field]}`);
  }
  for (const part of expected.says ?? []) ok(said.includes(part), `"${said}" says "${part}"`);
  checkHeaders("header of the answer", answer.headers, expected.headers);
  checkHeaders("trailer of the answer", answer.trailers, expected.trailers);
  if (expected.body !== undefined) checkBytes("body of the answer", body, expected.body);
  if (expected.json !== undefined) deepEqual(JSON.parse(said), expected.json);
  if (expected.details !== undefined) checkDetails(answer, expected.details);
}

function checkHeaders(what: string, list: HeaderList, expected: ExpectedHeaders = {}): void {
  for (const [name, values] of Object.entries(expected)) {
    const got = valuesOf(list, name);
    equal(got.length, values?.length ?? 0, `values of ${what} ${name}: ${got.join(" | ")}`);
    for (const [index, value] of (values ?? []).entries()) {
      if (typeof value === "string") equal(got[index], value, `${what} ${name}`);
      else match(got[index] ?? "", value, `${what} ${name}`);
    }
  }
}

/** Values under a name in any case. */
function valuesOf(list: HeaderList, lowerCaseName: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < list.length; index += 2) {
    if ((list[index] as string).toLowerCase() === lowerCaseName) {
      values.push(list[index + 1] as string);
    }
  }
  return values;
}

function checkBytes(what: string, got: Uint8Array, expected: Uint8Array): void {
  equal(got.length, expected.length, `length of the ${what}`);
  ok(Buffer.from(got).equals(expected), `content of the ${what}`);
}

function checkDetails(
  { details }: ClientAnswer,
  expected: NonNullable<AnswerExpectation["details"]>,
): void {
  deepEqual(
    details.map(({ typeUrl }) => typeUrl),
    expected.map(({ typeUrl }) => typeUrl),
  );
  for (const [index, { has }] of expected.entries()) {
    const text = Buffer.from(details[index]?.value ?? []).toString("latin1");
    for (const part of has) ok(text.includes(part), `the detail has "${part}"`);
  }
}
