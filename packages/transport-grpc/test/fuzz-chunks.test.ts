import { testContext } from "@outrigger/conformance";
import {
  type Connection,
  emptyBody,
  type InvokeRequest,
  isOutriggerError,
  readBody,
} from "@outrigger/core";
import { frameMessage, GrpcClient, GrpcServer } from "@outrigger/grpc-http2";
import {
  encodeInternalInvokeRequestStream,
  encodeInternalInvokeResponseStream,
  serviceInvocationPaths,
} from "@outrigger/protocol";
import { transportGrpc } from "@outrigger/transport-grpc";
import { afterEach, expect, test } from "vitest";
import { fuzz, mutate, type Random, randomBytes } from "../../grpc-http2/test/fuzz.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const path = serviceInvocationPaths.CallLocalStream;
const status = { code: 200, message: "", details: [] };
const message = { method: "m", contentType: "", httpExtension: { verb: "POST", querystring: "" } };
const request = { ver: 1, metadata: ["A", "b"], message };
const response = { status, headers: ["A", "b"], trailers: [], message: { contentType: "t" } };
const mostRead = 100_000;
const endless = 200;

interface Parts {
  readonly hasHead: boolean;
  readonly payload: { readonly data: Uint8Array; readonly seq: number } | undefined;
}

/** Messages of one direction, most of which break the rules of the chunks somewhere. */
function messages(random: Random, encode: (parts: Parts) => Uint8Array): Uint8Array[] {
  const count = random(12) === 0 ? endless : random(6);
  const fault = random(8);
  const at = random(count + 1);
  return Array.from({ length: count }, (_, index) => {
    const isHere = index === at;
    const data = randomBytes(count === endless ? 2_048 : random(40), random);
    // Faults: no head, a second head, a wrong number, no payload, other bytes, a wrong prefix.
    const hasHead = index === 0 ? fault !== 0 : fault === 1 && isHere;
    const seq = fault === 2 && isHere ? random(2 ** 31) : index;
    const encoded = encode({ hasHead, payload: fault === 3 && isHere ? undefined : { data, seq } });
    if (fault === 4 && isHere) return frameMessage(mutate(encoded, random));
    if (fault === 5 && isHere) return frameMessage(encoded, true);
    const framed = frameMessage(encoded);
    return fault === 6 && isHere ? mutate(framed, random) : framed;
  });
}

const encodeRequest = ({ hasHead, payload }: Parts): Uint8Array =>
  encodeInternalInvokeRequestStream({ request: hasHead ? request : undefined, payload });

const encodeResponse = ({ hasHead, payload }: Parts): Uint8Array =>
  encodeInternalInvokeResponseStream({ response: hasHead ? response : undefined, payload });

async function* pieces(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of list) yield piece;
}

test("a callee answers whatever chunks a caller sends, and serves others", async () => {
  const transport = transportGrpc({ host: "127.0.0.1" })(testContext());
  const handler = {
    receive: async ({ body }: { readonly body: InvokeRequest["body"] }) => {
      await readBody(body, mostRead);
      return { ...response, contentType: "t", typeUrl: "", body: Buffer.from("answer") };
    },
    proxy: () => Promise.reject(new Error("nothing is proxied")),
  };
  const { port } = await transport.listen(handler, AbortSignal.timeout(5_000));
  const client = new GrpcClient({ host: "127.0.0.1", port });
  cleanups.push(
    () => transport.stop?.(),
    () => client.close(),
  );
  const send = async (list: readonly Uint8Array[], streamed: boolean): Promise<number> => {
    const body = streamed ? pieces(list) : Buffer.concat(list);
    const signal = AbortSignal.timeout(5_000);
    const answer = await client.call({ path, headers: [], body, signal });
    while ((await answer.messages.read()) !== undefined);
    expect(signal.aborted).toBe(false);
    return answer.status?.code ?? -1;
  };
  const payload = { data: Buffer.from("x"), seq: 0 };
  const good = [frameMessage(encodeRequest({ hasHead: true, payload }))];

  await fuzz(2_000, async (random) => {
    const calls = Array.from({ length: 8 }, () =>
      send(messages(random, encodeRequest), random(2) === 0),
    );
    for (const code of await Promise.all(calls)) {
      expect(code).toBeGreaterThanOrEqual(0);
      expect(code).toBeLessThanOrEqual(16);
    }
    expect(await send(good, false)).toBe(0);
  });
});

function invocation(): InvokeRequest {
  return {
    target: "peer-a",
    method: "p",
    http: { verb: "POST", query: "" },
    origin: "http",
    metadata: ["A", "b"],
    contentType: "",
    typeUrl: "",
    body: emptyBody,
    bodyLength: 0,
    signal: AbortSignal.timeout(5_000),
  };
}

/** A whole answer, or an error that says what is wrong with it: never anything else. */
async function invoke(connection: Connection): Promise<string> {
  const call = invocation();
  try {
    const { body } = await connection.invoke(call);
    return Buffer.from(await readBody(body, mostRead)).toString("latin1");
  } catch (reason) {
    expect(call.signal.aborted).toBe(false);
    // `readBody` says by a RangeError that its own limit is reached.
    if (!isOutriggerError(reason) && !(reason instanceof RangeError)) throw reason;
    return "failed";
  }
}

test("a caller takes whatever chunks a callee sends, and can call again", async () => {
  let next: readonly Uint8Array[] = [];
  const server = new GrpcServer({
    methods: new Map([
      [
        path,
        async (call) => {
          const list = next;
          while ((await call.messages.read()) !== undefined);
          for (const piece of list) {
            if (call.finished) return;
            await call.write(piece);
          }
        },
      ],
    ]),
  });
  const { port } = await server.listen("127.0.0.1", 0);
  const transport = transportGrpc()(testContext());
  cleanups.push(
    () => server.close(),
    () => transport.stop?.(),
  );
  const peer = { appId: "peer-a", namespace: "default" };
  const connection = transport.connect({ host: "127.0.0.1", port }, peer);
  const payload = { data: Buffer.from("fine"), seq: 0 };
  const good = [frameMessage(encodeResponse({ hasHead: true, payload }))];

  await fuzz(2_000, async (random) => {
    next = messages(random, encodeResponse);
    await invoke(connection);
    next = good;
    expect(await invoke(connection)).toBe("fine");
  });
});
