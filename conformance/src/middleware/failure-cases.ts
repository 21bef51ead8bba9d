import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { HttpMiddlewareComponent, HttpRequest } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { failureOf, withinTime } from "../resolver/expect.ts";
import {
  answerOf,
  answersAtOnce,
  bytesOf,
  collect,
  expectBytes,
  expectedAnswer,
  expectedBody,
  passThrough,
  requestOf,
  withMiddleware,
} from "./bench.ts";
import type { MiddlewareSubject } from "./subject.ts";

const settlesMs = 1_000;

/** Rejects as what the app's side of a sidecar does when its request is aborted. */
function untilAborted({ signal }: HttpRequest): Promise<never> {
  return new Promise((_resolve, reject) => {
    const leave = (): void => reject(new Error("nobody waits"));
    // A handler that takes its time may pass the request on when the client has left already.
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  });
}

/** A request with an id, and whether it came back with an answer of its own. */
async function roundTrip(
  subject: MiddlewareSubject,
  component: HttpMiddlewareComponent,
  id: string,
): Promise<void> {
  const body = bytesOf(`request ${id}`);
  const sent = requestOf(subject, { body: body.slice() });
  const response = await component.handle(sent, async (passed) => {
    const arrived = await collect(passed.body);
    // Others come in between.
    await new Promise((resolve) => setImmediate(resolve));
    expectBytes(arrived, expectedBody(subject, body), `request ${id} at the app`);
    return answerOf({ headers: ["X-Id", id], body: bytesOf(`answer ${id}`) });
  });
  const at = response.headers.indexOf("X-Id");
  assert.equal(response.headers[at + 1], id, "whose answer it is");
  const expected = expectedAnswer(subject, bytesOf(`answer ${id}`));
  expectBytes(await collect(response.body), expected, `answer ${id}`);
}

/** Aborts, failures, and requests side by side. */
export const failureCases: readonly ConformanceCase<MiddlewareSubject>[] = [
  {
    id: "middleware/abort/reaches-the-app",
    title: "the app's side hears that the client has gone away",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const client = new AbortController();
        const running = component.handle(
          requestOf(subject, { signal: client.signal }),
          (passed) => {
            queueMicrotask(() => client.abort(new Error("gone")));
            return untilAborted(passed);
          },
        );
        await withinTime(settlesMs, "the end of an aborted request", () => settled(running));
      }),
  },
  {
    id: "middleware/abort/before",
    title: "a request whose client has gone already comes to an end",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const request = requestOf(subject, { signal: AbortSignal.abort(new Error("gone")) });
        const running = component.handle(request, answersAtOnce);
        await withinTime(settlesMs, "the end of an aborted request", () => settled(running));
      }),
  },
  {
    id: "middleware/abort/no-listeners",
    title: "a client's signal has as many listeners after a request as before",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const client = new AbortController();
        for (let count = 0; count < 20; count++) {
          await passThrough(component, requestOf(subject, { signal: client.signal }));
        }
        assert.equal(getEventListeners(client.signal, "abort").length, 0);
      }),
  },
  {
    id: "middleware/failure/passes",
    title: "what fails behind it fails in front of it, with the same reason",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const reason = new Error("the app is away");
        const running = component.handle(requestOf(subject), () => Promise.reject(reason));
        assert.equal(await withinTime(settlesMs, "the failure", () => failureOf(running)), reason);
      }),
  },
  {
    id: "middleware/failure/one-request",
    title: "a failure costs one request: those beside it and after it pass",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const failing = component.handle(requestOf(subject), async () => {
          await new Promise((resolve) => setImmediate(resolve));
          throw new Error("the app is away");
        });
        await Promise.all([settled(failing), roundTrip(subject, component, "beside")]);
        await roundTrip(subject, component, "after");
      }),
  },
  {
    id: "middleware/failure/unusual-requests",
    title: "unusual requests end in time, with an answer or an error, and do no lasting harm",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        for (const fields of unusual()) {
          const running = Promise.resolve().then(() =>
            component.handle(requestOf(subject, fields), answersAtOnce),
          );
          const what = `${JSON.stringify(fields).slice(0, 60)}`;
          const ending = await withinTime(settlesMs, what, () => settled(running));
          assert.ok(ending === undefined || ending instanceof Error, `${what}: ${ending}`);
        }
        await roundTrip(subject, component, "after");
      }),
  },
  {
    id: "middleware/concurrent/no-mixing",
    title: "200 requests at once each keep their own body and answer",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const ids = Array.from({ length: 200 }, (_, index) => `${index}`);
        await Promise.all(ids.map((id) => roundTrip(subject, component, id)));
      }),
  },
  {
    id: "middleware/concurrent/no-queue",
    title: "a request that takes its time keeps no other waiting",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const client = new AbortController();
        const slow = component.handle(requestOf(subject, { signal: client.signal }), () =>
          untilAborted(requestOf(subject, { signal: client.signal })),
        );
        try {
          await withinTime(settlesMs, "a request beside a slow one", () =>
            roundTrip(subject, component, "quick"),
          );
        } finally {
          client.abort();
          await settled(slow);
        }
      }),
  },
];

/** What an engine might pass on, if it is lenient. */
function unusual(): readonly Partial<HttpRequest>[] {
  return [
    { path: `/${"long/".repeat(20_000)}` },
    { path: "/%zz%00%ff" },
    { path: "//a/../\u0080\u00ff" },
    { path: "" },
    { path: "*" },
    { query: "&&=%&a=%zz;b" },
    { method: "PROPFIND" },
    { headers: Array.from({ length: 4_000 }, (_, index) => `X-${index}`) },
    { headers: ["Authorization", "Bearer \u00ff.\u0080.", "X-Forwarded-For", ",,,\u00ff"] },
    { headers: ["Authorization", "", "Cookie", "=;=;", "Content-Type", ";"] },
  ];
}

/** What a promise rejects with; `undefined` when it does not. */
function settled(running: Promise<unknown>): Promise<unknown> {
  return running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}
