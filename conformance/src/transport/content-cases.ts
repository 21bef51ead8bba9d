import { deepEqual, equal, ok } from "node:assert/strict";
import {
  type CallStatus,
  emptyBody,
  type HeaderList,
  isBuffered,
  type ReceivedCall,
  readBody,
} from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { answer, grpcCall, httpCall, patterned, serve } from "./calls.ts";
import type { TransportSubject } from "./subject.ts";

const limit = 16 * 1_024 * 1_024;

/** What a call and its answer carry. */
export const contentCases: readonly ConformanceCase<TransportSubject>[] = [
  {
    id: "transport/content/call-fields",
    title: "method, verb, query, content type, type URL and origin arrive as they were sent",
    run: async (subject, signal) => {
      const seen: ReceivedCall[] = [];
      const connection = await serve(
        subject,
        async (call) => {
          seen.push(call);
          return answer();
        },
        signal,
      );
      const http = { verb: "PUT", query: "a=1&b=%20" };
      const method = "orders/caf\xc3\xa9";
      await connection.invoke(httpCall(signal, { method, http, contentType: "text/plain" }));
      await connection.invoke(
        grpcCall(signal, { typeUrl: "type.example/T", body: patterned(3), bodyLength: 3 }),
      );
      const [first, second] = seen;
      ok(first !== undefined && second !== undefined, "the app got both calls");
      equal(first.method, method);
      deepEqual(first.http, http);
      equal(first.contentType, "text/plain");
      equal(first.origin, "http");
      equal(second.http, undefined);
      equal(second.typeUrl, "type.example/T");
      equal(second.origin, "grpc");
      equal((await readBody(second.body, 100)).length, 3);
    },
  },
  {
    id: "transport/content/metadata",
    title: "request metadata and response headers keep case, bytes and repeats",
    run: async (subject, signal) => {
      let seen: HeaderList = [];
      const headers = [
        "Set-Cookie",
        "a=1",
        "Set-Cookie",
        "b=2",
        "x-lower",
        "",
        "X-\xc3\xbc",
        "\xc3\xa9",
      ];
      const connection = await serve(
        subject,
        async (call) => {
          seen = call.metadata;
          return answer({ headers });
        },
        signal,
      );
      const metadata = [
        "X-Two",
        "1",
        "X-Two",
        "2",
        "x-two",
        "3",
        "X-Text",
        "gr\xc3\xbc\xc3\x9fe",
        "X-Empty",
        "",
      ];
      const response = await connection.invoke(httpCall(signal, { metadata }));
      deepEqual(grouped(seen), grouped(metadata));
      deepEqual(grouped(response.headers), grouped(headers));
    },
  },
  {
    id: "transport/content/trailers",
    title: "trailers, content type and type URL of an answer arrive",
    run: async (subject, signal) => {
      const sent = answer({
        status: { code: 0, message: "", details: [] },
        trailers: ["x-trailer", "1", "x-trailer", "2"],
        contentType: "application/x",
        typeUrl: "type.example/R",
        body: patterned(10),
      });
      const connection = await serve(subject, async () => sent, signal);
      const response = await connection.invoke(grpcCall(signal));
      deepEqual(response.trailers, sent.trailers);
      equal(response.contentType, sent.contentType);
      equal(response.typeUrl, sent.typeUrl);
    },
  },
  {
    id: "transport/content/bodies",
    title: "bodies of every size arrive whole in both directions",
    run: async (subject, signal) => {
      const connection = await serve(
        subject,
        async (call) => answer({ body: await readBody(call.body, limit) }),
        signal,
      );
      for (const size of [0, 1, 2_047, 2_048, 2_049, 65_536, 300_000, 5_000_000]) {
        const body = patterned(size);
        const response = await connection.invoke(httpCall(signal, { body }));
        const back = await readBody(response.body, limit);
        equal(back.length, size, `length of a body of ${size} bytes`);
        ok(Buffer.from(back).equals(body), `content of a body of ${size} bytes`);
      }
    },
  },
  {
    id: "transport/content/empty-is-buffered",
    title: "an empty body arrives as an empty array on both sides",
    run: async (subject, signal) => {
      const buffered: boolean[] = [];
      const connection = await serve(
        subject,
        async (call) => {
          buffered.push(isBuffered(call.body));
          return answer({ body: emptyBody });
        },
        signal,
      );
      // Whether a body still counts as complete at once may depend on timing: one in many is enough.
      for (let round = 0; round < 20; round += 1) {
        const { body } = await connection.invoke(httpCall(signal));
        buffered.push(isBuffered(body));
        equal((await readBody(body, limit)).length, 0);
      }
      ok(buffered.filter(Boolean).length > 20, "small bodies are arrays, not streams");
    },
  },
  {
    id: "transport/content/status",
    title: "any HTTP or gRPC status of the app is an answer, with message and details",
    run: async (subject, signal) => {
      let status: CallStatus = { code: 200, message: "", details: [] };
      const connection = await serve(subject, async () => answer({ status }), signal);
      for (const code of [200, 204, 302, 404, 500, 599]) {
        status = { code, message: "", details: [] };
        deepEqual((await connection.invoke(httpCall(signal))).status, status);
      }
      const details = [{ typeUrl: "type.example/D", value: Buffer.from([1, 2, 3]) }];
      for (const code of [0, 1, 5, 12, 14, 16]) {
        status = {
          code,
          message: code === 0 ? "" : "gr\u00fc\u00dfe",
          details: code === 0 ? [] : details,
        };
        const got = (await connection.invoke(grpcCall(signal))).status;
        equal(got.code, status.code);
        equal(got.message, status.message);
        deepEqual(
          got.details.map(({ typeUrl, value }) => [typeUrl, ...value]),
          status.details.map(({ typeUrl, value }) => [typeUrl, ...value]),
        );
      }
    },
  },
];

/** Values by name. The order between different names carries no meaning and need not survive. */
function grouped(list: HeaderList): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] as string;
    values[name] = [...(values[name] ?? []), list[index + 1] as string];
  }
  return values;
}
