import assert from "node:assert/strict";
import {
  type HttpMiddlewareComponent,
  type HttpResponse,
  headerValue,
  LiveHttpPipeline,
  silentLogger,
} from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { testContext } from "../context.ts";
import { withinTime } from "../resolver/expect.ts";
import {
  answerOf,
  answersAtOnce,
  bytesOf,
  collect,
  expectBytes,
  expectedAnswer,
  expectedBody,
  requestOf,
  withMiddleware,
} from "./bench.ts";
import type { AnsweringMiddleware, MiddlewareSubject } from "./subject.ts";
import { LongStream, settle } from "./test-stream.ts";

const settlesMs = 1_000;

/** A handler that leaves a mark on what goes by. */
function marker(name: string): HttpMiddlewareComponent {
  return {
    name,
    handle: async (request, next) => {
      const headers = [...request.headers, "X-Way", name];
      const response = await next({ ...request, headers });
      return { ...response, headers: [...response.headers, "X-Way", name] };
    },
  };
}

function waysIn(headers: readonly string[]): readonly string[] {
  return headers.filter((_text, index) => headers[index - 1] === "X-Way");
}

function pipelineOf(...handlers: readonly HttpMiddlewareComponent[]): LiveHttpPipeline {
  const pipeline = new LiveHttpPipeline(silentLogger);
  pipeline.replace(handlers);
  return pipeline;
}

/** A promise that the case resolves. */
function gate<T>(): { readonly promise: Promise<T>; readonly open: (value: T) => void } {
  let open: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

/** Runs the work with a middleware that answers by itself. */
async function withAnswering(
  subject: MiddlewareSubject,
  signal: AbortSignal,
  work: (component: HttpMiddlewareComponent, answering: AnsweringMiddleware) => Promise<void>,
): Promise<void> {
  const { answering } = subject;
  assert.ok(answering);
  const component = await answering.create(testContext());
  await withMiddleware(subject, signal, (made) => work(made, answering), component);
}

function answers({ answering }: MiddlewareSubject): boolean {
  return answering !== undefined;
}

/** Between other handlers, and in place of the app. */
export const pipelineCases: readonly ConformanceCase<MiddlewareSubject>[] = [
  {
    id: "middleware/pipeline/between-others",
    title: "between two handlers, each sees what the others changed, in the order of the list",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const pipeline = pipelineOf(marker("outer"), component, marker("inner"));
        let arrived: readonly string[] = [];
        const response = await pipeline.run(requestOf(subject), async ({ headers }) => {
          arrived = waysIn(headers);
          return answerOf();
        });
        assert.equal(response.status, 200);
        assert.deepEqual(arrived, ["outer", "inner"]);
        assert.deepEqual(waysIn(response.headers), ["inner", "outer"]);
      }),
  },
  {
    id: "middleware/pipeline/passes-once",
    title: "a request is passed on once, and not again after its answer",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        let calls = 0;
        await component.handle(requestOf(subject), async (passed) => {
          calls += 1;
          await collect(passed.body);
          return answerOf({ status: 503 });
        });
        await settle();
        assert.equal(calls, 1);
      }),
  },
  {
    id: "middleware/pipeline/taken-out",
    title: "a request that is under way ends well when the handler is taken out and stopped",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const pipeline = pipelineOf(component);
        const body = bytesOf("under way");
        const started = gate<void>();
        const answered = gate<HttpResponse>();
        let arrived: Uint8Array | undefined;
        const running = pipeline.run(requestOf(subject, { body: body.slice() }), async (passed) => {
          arrived = await collect(passed.body);
          started.open();
          return answered.promise;
        });
        await withinTime(settlesMs, "the request at the app", () => started.promise);
        pipeline.replace([]);
        await component.stop?.();
        answered.open(answerOf({ body }));
        const response = await withinTime(settlesMs, "the answer", () => running);
        assert.equal(response.status, 200);
        expectBytes(arrived ?? bytesOf(""), expectedBody(subject, body), "at the app");
        expectBytes(await collect(response.body), expectedAnswer(subject, body), "at the client");
      }),
  },
  {
    id: "middleware/answer/in-place-of-the-app",
    title: "what it refuses does not reach the app, and gets the status that it promises",
    appliesTo: answers,
    run: (subject, signal) =>
      withAnswering(subject, signal, async (component, { request, status }) => {
        let reached = false;
        const response = await component.handle(requestOf(subject, request), async () => {
          reached = true;
          return answerOf();
        });
        assert.equal(response.status, status);
        assert.equal(reached, false, "the app was reached");
      }),
  },
  {
    id: "middleware/answer/well-formed",
    title: "its own answer is one that a pipeline takes, and handlers around it see it",
    appliesTo: answers,
    run: (subject, signal) =>
      withAnswering(subject, signal, async (component, { request, status }) => {
        const pipeline = pipelineOf(marker("outer"), component);
        const response = await pipeline.run(requestOf(subject, request), answersAtOnce);
        assert.equal(response.status, status);
        assert.deepEqual(waysIn(response.headers), ["outer"]);
        const body = await collect(response.body);
        const length = headerValue(response.headers, "content-length");
        if (length !== undefined) assert.equal(Number(length), body.length);
      }),
  },
  {
    id: "middleware/answer/leaves-the-body",
    title: "it answers without reading a long request to its end",
    appliesTo: answers,
    run: (subject, signal) =>
      withAnswering(subject, signal, async (component, { request, status }) => {
        const body = new LongStream();
        const response = await withinTime(settlesMs, "the answer", () =>
          component.handle(requestOf(subject, { ...request, body }), answersAtOnce),
        );
        await settle();
        assert.equal(response.status, status);
        const { bufferedBytes = 262_144 } = subject;
        assert.ok(body.takenBytes <= bufferedBytes, `${body.takenBytes} bytes were read`);
      }),
  },
  {
    id: "middleware/answer/again-and-again",
    title: "it answers many requests at once, each with an answer that can be read",
    appliesTo: answers,
    run: (subject, signal) =>
      withAnswering(subject, signal, async (component, { request, status }) => {
        const all = Array.from({ length: 50 }, () =>
          component.handle(requestOf(subject, request), answersAtOnce),
        );
        const bodies = await Promise.all(
          (await Promise.all(all)).map(async (response) => {
            assert.equal(response.status, status);
            return Buffer.from(await collect(response.body)).toString("latin1");
          }),
        );
        assert.equal(bodies.length, 50);
        assert.equal(bodies.filter((text) => (text === "") !== (bodies[0] === "")).length, 0);
      }),
  },
];
