import { equal, ok, rejects } from "node:assert/strict";
import { isBuffered, isOutriggerError } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { answer, gate, httpCall, patterned, serve, until } from "./calls.ts";
import { within } from "./failure-cases.ts";
import { checkedLength, endlessly } from "./streams.ts";
import type { TransportSubject } from "./subject.ts";

const streams = ({ caller }: TransportSubject): boolean => caller.features.streams;

/** How streamed bodies break off. */
export const streamFailureCases: readonly ConformanceCase<TransportSubject>[] = [
  {
    id: "transport/stream/broken-request",
    title:
      "a request that breaks off is an error for the app and for the caller, never a short body",
    appliesTo: streams,
    run: async (subject, signal) => {
      const outcome = gate();
      let seen = "";
      const connection = await serve(
        subject,
        async (call) => {
          try {
            seen = `complete with ${await checkedLength(call.body)} bytes`;
          } catch (reason) {
            seen = "failed";
            throw reason;
          } finally {
            outcome.open();
          }
          return answer();
        },
        signal,
      );
      const body = (async function* () {
        yield patterned(60_000);
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw new Error("the client broke off");
      })();
      await within(rejects(connection.invoke(httpCall(signal, { body }))), signal);
      await within(outcome.passed, signal);
      equal(seen, "failed");
    },
  },
  {
    id: "transport/stream/broken-answer-late",
    title: "an answer that breaks off after megabytes fails at its reader, after what was sent",
    appliesTo: streams,
    run: async (subject, signal) => {
      const connection = await serve(
        subject,
        async () => answer({ body: breakingAfter(3_000_000) }),
        signal,
      );
      const response = await within(connection.invoke(httpCall(signal)), signal);
      await within(rejects(checkedLength(response.body)), signal);
    },
  },
  {
    id: "transport/stream/abort-download",
    title: "a caller that goes away in mid-answer stops the app's producer, and its body fails",
    appliesTo: streams,
    run: async (subject, signal) => {
      let stopped = false;
      const connection = await serve(
        subject,
        async () => answer({ body: watched(() => (stopped = true)) }),
        signal,
      );
      const leaving = new AbortController();
      const response = await within(connection.invoke(httpCall(leaving.signal)), signal);
      ok(!isBuffered(response.body), "an endless answer is a stream");
      const reader = response.body[Symbol.asyncIterator]();
      await within(reader.next(), signal);
      leaving.abort();
      await until(() => stopped, signal);
      await within(rejects(drained(reader)), signal);
    },
  },
  {
    id: "transport/stream/abort-upload",
    title: "a caller that goes away in mid-request ends the app's body with an error",
    appliesTo: streams,
    run: async (subject, signal) => {
      const first = gate();
      const ended = gate();
      let seen = "";
      const connection = await serve(
        subject,
        async (call) => {
          ok(!isBuffered(call.body), "an endless request is a stream");
          const reader = call.body[Symbol.asyncIterator]();
          await reader.next();
          first.open();
          seen = await drained(reader).then(
            () => "complete",
            () => "failed",
          );
          ended.open();
          return answer();
        },
        signal,
      );
      let stopped = false;
      const leaving = new AbortController();
      const body = watched(() => (stopped = true));
      const calling = connection.invoke(httpCall(leaving.signal, { body }));
      const aborted = rejects(calling, (reason) => isOutriggerError(reason, "OTR_ABORTED"));
      await within(first.passed, signal);
      leaving.abort();
      await within(aborted, signal);
      await within(ended.passed, signal);
      equal(seen, "failed");
      await until(() => stopped, signal);
    },
  },
  {
    id: "transport/stream/deadline-in-answer",
    title: "a deadline that passes in mid-answer makes the body fail and stops the app's producer",
    appliesTo: streams,
    run: async (subject, signal) => {
      let stopped = false;
      const connection = await serve(
        subject,
        async () => answer({ body: watched(() => (stopped = true)) }),
        signal,
      );
      const call = httpCall(signal, { deadlineMs: Date.now() + 150 });
      const response = await within(connection.invoke(call), signal);
      ok(!isBuffered(response.body), "an endless answer is a stream");
      await within(rejects(drained(response.body[Symbol.asyncIterator]())), signal);
      await until(() => stopped, signal);
    },
  },
  {
    id: "transport/stream/return-request",
    title: "an app that stops reading the request stops its producer, and its answer arrives",
    appliesTo: streams,
    run: async (subject, signal) => {
      const connection = await serve(
        subject,
        async (call) => {
          ok(!isBuffered(call.body), "an endless request is a stream");
          const reader = call.body[Symbol.asyncIterator]();
          await reader.next();
          await reader.return?.();
          return answer({ status: { code: 413, message: "", details: [] } });
        },
        signal,
      );
      let stopped = false;
      const body = watched(() => (stopped = true));
      const response = await within(connection.invoke(httpCall(signal, { body })), signal);
      equal(response.status.code, 413);
      await until(() => stopped, signal);
    },
  },
];

/** An endless body that tells when its producer was stopped. */
async function* watched(onStop: () => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of endlessly()) {
      // Lets timers run: an endless loop of promises would starve them.
      await new Promise((resolve) => setImmediate(resolve));
      yield chunk;
    }
  } finally {
    onStop();
  }
}

async function* breakingAfter(bytes: number): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of endlessly()) {
    if (sent >= bytes) throw new Error("the app broke off");
    sent += chunk.length;
    yield chunk;
  }
}

async function drained(reader: AsyncIterator<Uint8Array>): Promise<void> {
  while ((await reader.next()).done !== true);
}
