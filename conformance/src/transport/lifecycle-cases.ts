import { equal, ok, rejects } from "node:assert/strict";
import { isBuffered, isOutriggerError, readBody } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { answer, gate, httpCall, listen, patterned, peer, pieces, serve, until } from "./calls.ts";
import { within } from "./failure-cases.ts";
import type { TransportSubject } from "./subject.ts";

/** Streams, concurrency, drain and stop. */
export const lifecycleCases: readonly ConformanceCase<TransportSubject>[] = [
  {
    id: "transport/lifecycle/concurrent-calls",
    title: "a hundred calls are under way at once and each gets its own answer",
    run: async (subject, signal) => {
      let running = 0;
      const all = gate();
      const connection = await serve(
        subject,
        async (call) => {
          running += 1;
          if (running === 100) all.open();
          await all.passed;
          return answer({ body: await readBody(call.body, 1_000) });
        },
        signal,
      );
      const calls = Array.from({ length: 100 }, async (_, index) => {
        const body = Buffer.from(`call ${index}`);
        const response = await connection.invoke(httpCall(signal, { body }));
        equal(Buffer.from(await readBody(response.body, 1_000)).toString(), `call ${index}`);
      });
      await within(Promise.all(calls), signal);
    },
  },
  {
    id: "transport/lifecycle/drain",
    title: "drain lets a call under way finish and refuses new ones",
    run: async (subject, signal) => {
      const arrived = gate();
      const released = gate();
      const { port } = await listen(
        subject.callee,
        async () => {
          arrived.open();
          await released.passed;
          return answer({ body: patterned(10) });
        },
        signal,
      );
      const connection = subject.caller.connect({ host: "127.0.0.1", port }, peer);
      const underWay = connection.invoke(httpCall(signal));
      underWay.catch(() => undefined);
      await within(arrived.passed, signal);
      let drained = false;
      const draining = subject.callee.drain(signal).then(() => {
        drained = true;
      });
      // The peer learns of it by a message, so a call that overtakes this message may still be taken.
      const late: Promise<unknown>[] = [];
      let refused = false;
      while (!refused) {
        signal.throwIfAborted();
        const call = connection.invoke(httpCall(signal));
        late.push(
          call.then(
            () => undefined,
            (reason: unknown) => {
              refused ||= isOutriggerError(reason, "OTR_PEER_UNAVAILABLE");
            },
          ),
        );
        await Promise.race([late.at(-1), new Promise((resolve) => setTimeout(resolve, 20))]);
      }
      ok(!drained, "drain waits for the call under way");
      released.open();
      equal((await within(underWay, signal)).status.code, 200);
      await within(draining, signal);
      await Promise.all(late);
    },
  },
  {
    id: "transport/lifecycle/drain-aborts",
    title: "drain gives up when its signal aborts",
    run: async (subject, signal) => {
      const arrived = gate();
      const connection = await serve(
        subject,
        (call) => {
          arrived.open();
          return new Promise((_, reject) => {
            call.signal.addEventListener("abort", () => reject(new Error("aborted")));
          });
        },
        signal,
      );
      const controller = new AbortController();
      const hanging = connection.invoke(httpCall(controller.signal));
      const ended = rejects(hanging);
      await within(arrived.passed, signal);
      await within(subject.callee.drain(AbortSignal.abort()), signal);
      controller.abort();
      await within(ended, signal);
    },
  },
  {
    id: "transport/lifecycle/stop",
    title: "stop is idempotent, also without start, and releases sockets and timers",
    run: async (subject, signal) => {
      const before = resources();
      const connection = await serve(subject, async () => answer(), signal);
      await connection.invoke(httpCall(signal, { deadlineMs: Date.now() + 60_000 }));
      await subject.caller.stop?.();
      await subject.callee.stop?.();
      await subject.callee.stop?.();
      await subject.caller.stop?.();
      await until(() => resources() <= before, signal);
    },
  },
  {
    id: "transport/lifecycle/stopped-refuses",
    title: "a stopped callee takes no more calls",
    run: async (subject, signal) => {
      const connection = await serve(subject, async () => answer(), signal);
      await connection.invoke(httpCall(signal));
      await subject.callee.stop?.();
      await within(
        rejects(connection.invoke(httpCall(signal)), (reason) =>
          isOutriggerError(reason, "OTR_PEER_UNAVAILABLE"),
        ),
        signal,
      );
    },
  },
  {
    id: "transport/stream/upload",
    title: "a streamed request arrives as it is written, and its producer waits for the app",
    appliesTo: ({ caller }) => caller.features.streams,
    run: async (subject, signal) => {
      const total = 500;
      const released = gate();
      let pulled = 0;
      const connection = await serve(
        subject,
        async (call) => {
          await released.passed;
          return answer({ body: Buffer.from(String(await lengthOf(call.body))) });
        },
        signal,
      );
      const chunk = patterned(65_536);
      const body = pieces(
        Array.from({ length: total }, () => chunk),
        () => {
          pulled += 1;
        },
      );
      const calling = connection.invoke(httpCall(signal, { body }));
      calling.catch(() => undefined);
      await settle(() => pulled, signal);
      ok(pulled < total, "the producer waits while the app does not read");
      released.open();
      const response = await within(calling, signal);
      const text = Buffer.from(await readBody(response.body, 100)).toString();
      equal(text, String(total * chunk.length));
    },
  },
  {
    id: "transport/stream/download",
    title: "a streamed answer has its head at once, and its producer waits for the reader",
    appliesTo: ({ caller }) => caller.features.streams,
    run: async (subject, signal) => {
      const total = 500;
      let pulled = 0;
      const chunk = patterned(65_536);
      const body = pieces(
        Array.from({ length: total }, () => chunk),
        () => {
          pulled += 1;
        },
      );
      const connection = await serve(subject, async () => answer({ body }), signal);
      const response = await within(connection.invoke(httpCall(signal)), signal);
      await settle(() => pulled, signal);
      ok(pulled < total, "the producer waits while nobody reads");
      equal(await within(lengthOf(response.body), signal), total * chunk.length);
    },
  },
  {
    id: "transport/stream/first-chunk",
    title: "a chunk is passed on before the next one exists, in both directions",
    appliesTo: ({ caller }) => caller.features.streams,
    run: async (subject, signal) => {
      const connection = await serve(subject, async (call) => answer({ body: call.body }), signal);
      const next = gate();
      const body = (async function* () {
        yield Buffer.from("first");
        await next.passed;
        yield Buffer.from("second");
      })();
      const response = await within(connection.invoke(httpCall(signal, { body })), signal);
      ok(!isBuffered(response.body), "an answer that is not complete is a stream");
      const reader = response.body[Symbol.asyncIterator]();
      equal(Buffer.from((await within(reader.next(), signal)).value ?? []).toString(), "first");
      next.open();
      equal(Buffer.from((await within(reader.next(), signal)).value ?? []).toString(), "second");
      equal((await within(reader.next(), signal)).done, true);
    },
  },
  {
    id: "transport/stream/return",
    title: "a reader that stops early stops the producer",
    appliesTo: ({ caller }) => caller.features.streams,
    run: async (subject, signal) => {
      let stopped = false;
      const connection = await serve(
        subject,
        async () =>
          answer({
            body: (async function* () {
              try {
                for (;;) yield patterned(10_000);
              } finally {
                stopped = true;
              }
            })(),
          }),
        signal,
      );
      const response = await within(connection.invoke(httpCall(signal)), signal);
      ok(!isBuffered(response.body), "an endless answer is a stream");
      const reader = response.body[Symbol.asyncIterator]();
      await within(reader.next(), signal);
      await reader.return?.();
      await until(() => stopped, signal);
    },
  },
];

/** Sockets, servers and timers that keep the process alive. */
function resources(): number {
  const kinds = /TCP|TLS|HTTP|Pipe|Server/;
  return process.getActiveResourcesInfo().filter((kind) => kinds.test(kind)).length;
}

async function lengthOf(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
  if (body instanceof Uint8Array) return body.length;
  let length = 0;
  for await (const chunk of body) length += chunk.length;
  return length;
}

/** Waits until a count has stopped to grow for a while. */
async function settle(count: () => number, signal: AbortSignal): Promise<void> {
  let last = -1;
  while (count() !== last) {
    signal.throwIfAborted();
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
