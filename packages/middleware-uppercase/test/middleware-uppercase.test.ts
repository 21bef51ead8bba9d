import {
  type Body,
  type HttpRequest,
  type HttpResponse,
  readBody,
  silentLogger,
} from "@outrigger/core";
import {
  middleware,
  middlewareUppercase,
  optionsFromMetadata,
} from "@outrigger/middleware-uppercase";
import { expect, test } from "vitest";

const context = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

function requestOf(fields: Partial<HttpRequest> = {}): HttpRequest {
  const { signal } = new AbortController();
  const body = Buffer.from("abc");
  const base = { method: "POST", path: "/orders", query: "", headers: [], bodyLength: 3 };
  return { ...base, body, signal, ...fields };
}

async function textOf(body: Body): Promise<string> {
  return Buffer.from(await readBody(body, 1_000)).toString();
}

const answer: HttpResponse = { status: 200, headers: [], body: Buffer.from("answer é") };

test.for([
  [{}, "ABC", "answer é"],
  [{ direction: "request" }, "ABC", "answer é"],
  [{ direction: "response" }, "abc", "ANSWER é"],
  [{ direction: "both" }, "ABC", "ANSWER é"],
] as const)("changes the bodies of %o", async ([options, sent, received]) => {
  let seen = "";
  const { handle } = middlewareUppercase(options)(context);
  const response = await handle(requestOf(), async (passed) => {
    seen = await textOf(passed.body);
    expect(passed.bodyLength).toBe(3);
    return answer;
  });
  expect(seen).toBe(sent);
  expect(await textOf(response.body)).toBe(received);
});

test("leaves the caller's bytes as they are: they may be sent again", async () => {
  const body = Buffer.from("abc");
  await middlewareUppercase()(context).handle(requestOf({ body }), async () => answer);
  expect(body.toString()).toBe("abc");
});

test("passes a stream on chunk by chunk, and its early end", async () => {
  const given = ["a", "b", "c"];
  let returned = false;
  const body: Body = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const text = given.shift();
        if (text === undefined) return { done: true, value: undefined };
        return { done: false, value: Buffer.from(text) };
      },
      return: async () => {
        returned = true;
        return { done: true, value: undefined };
      },
    }),
  };
  await middlewareUppercase()(context).handle(requestOf({ body }), async (passed) => {
    for await (const chunk of passed.body as AsyncIterable<Uint8Array>) {
      expect(Buffer.from(chunk).toString()).toBe("A");
      break;
    }
    return answer;
  });
  expect(given).toEqual(["b", "c"]);
  expect(returned).toBe(true);
});

test("reads settings as Dapr does", () => {
  expect(middleware).toBe(middlewareUppercase);
  expect(optionsFromMetadata({ direction: "both" })).toEqual({ direction: "both" });
  expect(optionsFromMetadata({ direction: "sideways" })).toEqual({});
  expect(optionsFromMetadata({ Direction: "both" })).toEqual({});
  expect(() => middlewareUppercase({ direction: "up" as "both" })).toThrow(
    'middleware-uppercase: direction: must be request, response or both (got "up")',
  );
});
