import { equal, ok } from "node:assert/strict";
import { type Body, emptyBody, isBuffered, readBody } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { answer, gate, httpCall, patterned, pieces, serve } from "./calls.ts";
import { within } from "./failure-cases.ts";
import { checkedLength, endlessly, streamed } from "./streams.ts";
import type { TransportSubject } from "./subject.ts";

const streams = ({ caller }: TransportSubject): boolean => caller.features.streams;
const chunkBytes = 65_536;
const defaultBufferedBytes = 4 * 1_024 * 1_024;

/** What streamed bodies carry, and how far a producer runs ahead of its consumer. */
export const streamCases: readonly ConformanceCase<TransportSubject>[] = [
  {
    id: "transport/stream/large-bodies",
    title: "a stream of 8 MB keeps its bytes in both directions",
    appliesTo: streams,
    run: async (subject, signal) => {
      const connection = await serve(subject, async (call) => answer({ body: call.body }), signal);
      const total = 128 * chunkBytes + 17;
      const body = streamed(total, chunkBytes);
      const response = await within(connection.invoke(httpCall(signal, { body })), signal);
      equal(await within(checkedLength(response.body), signal), total);
    },
  },
  {
    id: "transport/stream/small-chunks",
    title: "thousands of small chunks keep their order and bytes in both directions",
    appliesTo: streams,
    run: async (subject, signal) => {
      let atApp = 0;
      const connection = await serve(
        subject,
        async (call) => {
          atApp = await checkedLength(call.body);
          return answer({ body: streamed(30_011, 7) });
        },
        signal,
      );
      const body = streamed(30_011, 11);
      const response = await within(connection.invoke(httpCall(signal, { body })), signal);
      equal(atApp, 30_011, "length of the request at the app");
      equal(await within(checkedLength(response.body), signal), 30_011, "length of the answer");
    },
  },
  {
    id: "transport/stream/empty",
    title: "a stream without bytes arrives as an empty body, in both directions",
    appliesTo: streams,
    run: async (subject, signal) => {
      const lengths: number[] = [];
      let body: Body = emptyBody;
      const connection = await serve(
        subject,
        async (call) => {
          lengths.push((await readBody(call.body, 1_000)).length);
          return answer({ body });
        },
        signal,
      );
      for (const chunks of [[], [emptyBody], [emptyBody, emptyBody, emptyBody]]) {
        body = pieces(chunks);
        const call = httpCall(signal, { body: pieces(chunks) });
        const response = await within(connection.invoke(call), signal);
        equal(response.status.code, 200);
        lengths.push((await within(readBody(response.body, 1_000), signal)).length);
      }
      equal(lengths.join(), "0,0,0,0,0,0");
    },
  },
  {
    id: "transport/stream/upload-bound",
    title: "an app that does not read holds the producer after a bounded number of bytes",
    appliesTo: streams,
    run: async (subject, signal) => {
      const produced = { bytes: 0 };
      const released = gate();
      const connection = await serve(
        subject,
        async (call) => {
          await released.passed;
          return answer({ body: Buffer.from(`${await checkedLength(call.body)}`) });
        },
        signal,
      );
      const total = 1_000 * chunkBytes;
      const body = streamed(total, chunkBytes, produced);
      const calling = connection.invoke(httpCall(signal, { body }));
      calling.catch(() => undefined);
      await standsStill(produced, subject, signal);
      released.open();
      const response = await within(calling, signal);
      equal(Buffer.from(await readBody(response.body, 100)).toString(), `${total}`);
    },
  },
  {
    id: "transport/stream/download-bound",
    title: "a caller that does not read holds the app's producer after a bounded number of bytes",
    appliesTo: streams,
    run: async (subject, signal) => {
      const produced = { bytes: 0 };
      const total = 1_000 * chunkBytes;
      const body = streamed(total, chunkBytes, produced);
      const connection = await serve(subject, async () => answer({ body }), signal);
      const response = await within(connection.invoke(httpCall(signal)), signal);
      await standsStill(produced, subject, signal);
      equal(await within(checkedLength(response.body), signal), total);
    },
  },
  {
    id: "transport/stream/answer-before-request-ends",
    title: "an answer begins while the request is still being sent, and the rest still arrives",
    appliesTo: streams,
    run: async (subject, signal) => {
      const more = gate();
      let atApp: Promise<number> = Promise.resolve(0);
      const connection = await serve(
        subject,
        async (call) => {
          atApp = checkedLength(call.body);
          atApp.catch(() => undefined);
          const body = (async function* () {
            yield Buffer.from("head");
            yield Buffer.from(` ${await atApp}`);
          })();
          return answer({ status: { code: 202, message: "", details: [] }, body });
        },
        signal,
      );
      const body = (async function* () {
        yield patterned(100);
        await more.passed;
        yield patterned(200).subarray(100);
      })();
      const response = await within(connection.invoke(httpCall(signal, { body })), signal);
      equal(response.status.code, 202);
      more.open();
      const text = Buffer.from(await within(readBody(response.body, 100), signal)).toString();
      equal(text, "head 200");
      equal(await atApp, 200);
    },
  },
  {
    id: "transport/stream/concurrent",
    title: "streams that stand still do not hold up other calls of the connection",
    appliesTo: streams,
    run: async (subject, signal) => {
      const ended = new AbortController();
      const connection = await serve(
        subject,
        async (call) => {
          if (call.method === "download") return answer({ body: endlessly() });
          if (call.method === "upload") {
            await new Promise((resolve) => ended.signal.addEventListener("abort", resolve));
          }
          return answer({ body: await readBody(call.body, 10_000_000) });
        },
        signal,
      );
      const standing = AbortSignal.any([signal, ended.signal]);
      for (let index = 0; index < 10; index += 1) {
        const upload = httpCall(standing, { method: "upload", body: endlessly() });
        connection.invoke(upload).catch(() => undefined);
        const response = await within(
          connection.invoke(httpCall(standing, { method: "download" })),
          signal,
        );
        ok(!isBuffered(response.body), "an endless answer is a stream");
        await within(response.body[Symbol.asyncIterator]().next(), signal);
      }
      const body = patterned(1_000_000);
      const response = await within(connection.invoke(httpCall(signal, { body })), signal);
      const back = await within(readBody(response.body, 10_000_000), signal);
      ok(Buffer.from(back).equals(body), "the answer of the other call");
      ended.abort();
    },
  },
];

/** Waits until the producer has come to a halt, and checks how far it came. */
async function standsStill(
  produced: { readonly bytes: number },
  subject: TransportSubject,
  signal: AbortSignal,
): Promise<void> {
  let last = -1;
  while (produced.bytes !== last) {
    signal.throwIfAborted();
    last = produced.bytes;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const limit = subject.bufferedBytes ?? defaultBufferedBytes;
  ok(last <= limit, `${last} bytes were taken from a producer whose consumer does not read`);
}
