import { equal, ok, rejects } from "node:assert/strict";
import { type Body, type BodyStream, readBody } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { gate, whenAborted } from "../transport/calls.ts";
import { within } from "../transport/failure-cases.ts";
import { appReply, clientCall, successStatus, withMesh } from "./mesh.ts";
import type { AppHandler, InvocationSubject } from "./subject.ts";

const piece = Buffer.alloc(65_536, "x");
const total = 64 * 1_024 * 1_024;
const defaultBufferedBytes = 16 * 1_024 * 1_024;
const streams = ({ ingress, app }: InvocationSubject): boolean =>
  ingress.features.streams && app.features.streams;

/** What travels while a call is still under way. */
export const streamCases: readonly ConformanceCase<InvocationSubject>[] = [
  {
    id: "invocation/stream/first-piece-of-answer",
    title: "the first piece of an answer arrives while the app still works on the next",
    appliesTo: streams,
    run: async (subject, signal) => {
      const release = gate();
      const body = inTwo(release.passed);
      const handler: AppHandler = async () => appReply(subject, { body });
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        const answer = await within(client.call(clientCall({ verb: "GET" }), signal), signal);
        const reading = iterate(answer.body);
        const first = await within(reading.next(), signal);
        equal(first.done === true, false, "the first piece is there");
        release.open();
        let length = 0;
        for (let next = first; next.done !== true; next = await within(reading.next(), signal)) {
          length += next.value.length;
        }
        equal(length, 2 * piece.length);
      });
    },
  },
  {
    id: "invocation/stream/first-piece-of-request",
    title: "the first piece of a request is at the app before the client sends the next",
    appliesTo: streams,
    run: async (subject, signal) => {
      const arrived = gate();
      const handler: AppHandler = async (request) => {
        let length = 0;
        for await (const chunk of { [Symbol.asyncIterator]: () => iterate(request.body) }) {
          length += chunk.length;
          arrived.open();
        }
        return appReply(subject, { body: Buffer.from(String(length)) });
      };
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        const body = inTwo(arrived.passed);
        const answer = await within(client.call(clientCall({ body }), signal), signal);
        equal(answer.status, successStatus(subject));
        equal(Buffer.from(await readBody(answer.body, 100)).toString(), String(2 * piece.length));
      });
    },
  },
  {
    id: "invocation/stream/slow-reader",
    title: "a client that does not read holds the app, and ends its answer by leaving",
    appliesTo: streams,
    run: async (subject, signal) => {
      const source = counted();
      const handler: AppHandler = async () => appReply(subject, { body: source.body });
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        const answer = await within(client.call(clientCall({ verb: "GET" }), signal), signal);
        const reading = iterate(answer.body);
        await within(reading.next(), signal);
        await staysBelow(source.produced, subject, signal);
        await reading.return?.();
        await within(source.ended, signal);
      });
    },
  },
  {
    id: "invocation/stream/slow-app",
    title: "an app that does not read holds the client, whose leaving ends the request",
    appliesTo: streams,
    run: async (subject, signal) => {
      const source = counted();
      const arrived = gate();
      const handler: AppHandler = async (request) => {
        arrived.open();
        await whenAborted(request.signal);
        return "break-off";
      };
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        const leaving = new AbortController();
        const calling = client.call(clientCall({ body: source.body }), leaving.signal);
        await within(Promise.race([arrived.passed, calling]), signal);
        await staysBelow(source.produced, subject, signal);
        leaving.abort();
        await within(rejects(calling), signal);
        await within(source.ended, signal);
      });
    },
  },
  {
    id: "invocation/stream/broken-answer",
    title: "an answer that breaks off does not look complete",
    appliesTo: ({ app }) => app.features.streams,
    run: async (subject, signal) => {
      async function* breaking(): AsyncGenerator<Uint8Array> {
        yield piece;
        throw new Error("the app breaks off");
      }
      const handler: AppHandler = async () => appReply(subject, { body: breaking() });
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        const reading = async (): Promise<void> => {
          const answer = await client.call(clientCall({ verb: "GET" }), signal);
          await readBody(answer.body, total);
          if (subject.ingress.protocol === "grpc" && answer.status !== 0) {
            throw new Error(answer.message);
          }
        };
        await within(rejects(reading()), signal);
      });
    },
  },
];

/** More than any buffer holds, and how much of it has been taken. */
function counted(): {
  readonly body: BodyStream;
  readonly ended: Promise<void>;
  produced(): number;
} {
  let produced = 0;
  const ended = gate();
  async function* produce(): AsyncGenerator<Uint8Array> {
    try {
      while (produced < total) {
        produced += piece.length;
        yield piece;
      }
    } finally {
      ended.open();
    }
  }
  return { body: produce(), ended: ended.passed, produced: () => produced };
}

async function staysBelow(
  produced: () => number,
  { bufferedBytes = defaultBufferedBytes }: InvocationSubject,
  signal: AbortSignal,
): Promise<void> {
  await unchanging(produced, signal);
  ok(produced() < bufferedBytes, `${produced()} bytes were taken, at most ${bufferedBytes} may be`);
}

function inTwo(between: Promise<void>): BodyStream {
  return (async function* () {
    yield piece;
    await between;
    yield piece;
  })();
}

function iterate(body: Body): AsyncIterator<Uint8Array> {
  if (!(body instanceof Uint8Array)) return body[Symbol.asyncIterator]();
  return (async function* () {
    yield body;
  })();
}

/** Resolves when the count has stood still for a while. */
async function unchanging(count: () => number, signal: AbortSignal): Promise<void> {
  for (let before = -1, calm = 0; calm < 6; ) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 50));
    calm = count() === before ? calm + 1 : 0;
    before = count();
  }
}
