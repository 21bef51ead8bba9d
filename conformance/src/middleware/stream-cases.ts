import assert from "node:assert/strict";
import { type BodyStream, type HttpResponse, isBuffered } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { eventually, failureOf, withinTime } from "../resolver/expect.ts";
import {
  answerOf,
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
import { LongStream, settle, TestStream } from "./test-stream.ts";

const chunkMs = 1_000;
const parts = [bytesOf("first "), bytesOf("second "), bytesOf("third")];

function defaultBuffer({ bufferedBytes = 262_144 }: MiddlewareSubject): number {
  return bufferedBytes;
}

/** The stream that a stage passes on. One that is complete in memory has been held back. */
function streamOf(body: HttpResponse["body"], what: string): AsyncIterator<Uint8Array> {
  assert.ok(!isBuffered(body), `${what}: a stream has become one piece`);
  const stream: BodyStream = body;
  return stream[Symbol.asyncIterator]();
}

/** Feeds a stream piece by piece; each must come out before the next one is there. */
async function pieceByPiece(
  source: TestStream,
  reader: AsyncIterator<Uint8Array>,
  expected: Uint8Array,
): Promise<void> {
  const got: Uint8Array[] = [];
  for (const part of parts) {
    source.push(part);
    const { done, value } = await withinTime(chunkMs, "the next chunk", () => reader.next());
    assert.ok(!done, "the stream ended early");
    got.push(Uint8Array.from(value));
  }
  source.end();
  for (;;) {
    const { done, value } = await withinTime(chunkMs, "the end", () => reader.next());
    if (done) break;
    got.push(Uint8Array.from(value));
  }
  expectBytes(Buffer.concat(got), expected, "the whole stream");
}

/** Takes one chunk and no more, and looks how much has left the source meanwhile. */
async function takesOneOnly(
  subject: MiddlewareSubject,
  source: LongStream,
  reader: AsyncIterator<Uint8Array>,
): Promise<void> {
  const first = await withinTime(chunkMs, "the first chunk", () => reader.next());
  assert.ok(!first.done);
  await settle();
  const limit = defaultBuffer(subject) + first.value.length;
  assert.ok(source.takenBytes <= limit, `${source.takenBytes} bytes were taken, limit ${limit}`);
  await reader.return?.();
}

/** Bodies that arrive over time. */
export const streamCases: readonly ConformanceCase<MiddlewareSubject>[] = [
  {
    id: "middleware/stream/request-chunks",
    title: "chunks of a request arrive while the client is still sending",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const body = new TestStream();
        await component.handle(requestOf(subject, { body }), async (passed) => {
          const expected = expectedBody(subject, Buffer.concat(parts));
          await pieceByPiece(body, streamOf(passed.body, "request"), expected);
          return answerOf();
        });
      }),
  },
  {
    id: "middleware/stream/answer-chunks",
    title: "chunks of an answer reach the client while the app is still writing",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const body = new TestStream();
        const { response } = await startAnswer(subject, component, body);
        const expected = expectedAnswer(subject, Buffer.concat(parts));
        await pieceByPiece(body, streamOf(response.body, "answer"), expected);
      }),
  },
  {
    id: "middleware/stream/request-back-pressure",
    title: "a client whose app does not read is not asked for more",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const body = new LongStream();
        await component.handle(requestOf(subject, { body }), async (passed) => {
          await takesOneOnly(subject, body, streamOf(passed.body, "request"));
          return answerOf();
        });
      }),
  },
  {
    id: "middleware/stream/answer-back-pressure",
    title: "an app whose client does not read is not asked for more",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const body = new LongStream();
        const { response } = await startAnswer(subject, component, body);
        await takesOneOnly(subject, body, streamOf(response.body, "answer"));
      }),
  },
  {
    id: "middleware/stream/request-reader-leaves",
    title: "a client hears that the app reads no further",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const body = new TestStream();
        body.push(...parts);
        await component.handle(requestOf(subject, { body }), async (passed) => {
          const reader = streamOf(passed.body, "request");
          await reader.next();
          await reader.return?.();
          return answerOf();
        });
        await expectReturned(body);
      }),
  },
  {
    id: "middleware/stream/answer-reader-leaves",
    title: "an app hears that the client reads no further",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const body = new TestStream();
        body.push(...parts);
        const { response } = await startAnswer(subject, component, body);
        const reader = streamOf(response.body, "answer");
        await reader.next();
        await reader.return?.();
        await expectReturned(body);
      }),
  },
  {
    id: "middleware/stream/request-breaks-off",
    title: "a request that breaks off does not look complete to the app",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const body = brokenStream();
        let reason: unknown;
        await component.handle(requestOf(subject, { body }), async (passed) => {
          reason = await withinTime(chunkMs, "the end", () => failureOf(collect(passed.body)));
          return answerOf();
        });
        assert.match(String(reason), /the line went dead/);
      }),
  },
  {
    id: "middleware/stream/answer-breaks-off",
    title: "an answer that breaks off does not look complete to the client",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const { response } = await startAnswer(subject, component, brokenStream());
        const reason = await withinTime(chunkMs, "the end", () =>
          failureOf(collect(response.body)),
        );
        assert.match(String(reason), /the line went dead/);
      }),
  },
  {
    id: "middleware/stream/both-at-once",
    title: "an answer begins before the request has ended, and both go on together",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        const body = new TestStream();
        const sent = requestOf(subject, { body });
        const response = await withinTime(chunkMs, "the answer's head", () =>
          component.handle(sent, async (passed) => answerOf({ body: passed.body })),
        );
        const expected = expectedAnswer(subject, expectedBody(subject, Buffer.concat(parts)));
        await pieceByPiece(body, streamOf(response.body, "echo"), expected);
      }),
  },
  {
    id: "middleware/body/declared-length",
    title: "a declared length stays right, and an unknown one stays unknown",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        for (const bodyLength of [Buffer.concat(parts).length, undefined]) {
          const body = new TestStream();
          body.push(...parts);
          body.end();
          const request = requestOf(subject, { body, bodyLength });
          const { arrived, arrivedBody } = await passThrough(component, request);
          const declared = arrived.bodyLength;
          if (bodyLength === undefined) assert.equal(declared, undefined);
          assert.ok(
            declared === undefined || declared === arrivedBody.length,
            `declared ${declared}, sent ${arrivedBody.length}`,
          );
        }
      }),
  },
];

async function startAnswer(
  subject: MiddlewareSubject,
  component: Parameters<Parameters<typeof withMiddleware>[2]>[0],
  body: BodyStream,
): Promise<{ readonly response: HttpResponse }> {
  const response = await withinTime(chunkMs, "the answer's head", () =>
    component.handle(requestOf(subject), async () => answerOf({ body })),
  );
  return { response };
}

function brokenStream(): TestStream {
  const body = new TestStream();
  body.push(...parts);
  body.fail(new Error("the line went dead"));
  return body;
}

async function expectReturned(body: TestStream): Promise<void> {
  await eventually(
    chunkMs,
    () => body.returned,
    (returned) => returned,
    "the source hears of it",
  );
}
