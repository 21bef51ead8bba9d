import { type HttpRequest, type HttpResponse, silentLogger } from "@outrigger/core";
import { middlewareRouterChecker, optionsFromMetadata } from "@outrigger/middleware-router-checker";
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

const answer: HttpResponse = { status: 200, headers: [], body: Buffer.from("answer") };

async function statusOf(rule: string, path: string, query = ""): Promise<number> {
  const { handle } = middlewareRouterChecker({ rule })(context);
  return (await handle(requestOf({ path, query }), async () => answer)).status;
}

test.for([
  ["^/v1.0/invoke/[a-z]+/method/", "/v1.0/invoke/a/method/x", "", 200],
  ["^/v1.0/invoke/[a-z]+/method/", "/v1.0/invoke/A/method/x", "", 400],
  ["orders", "/v1.0/orders/1", "", 200],
  ["page=[0-9]+$", "/list", "page=12", 200],
  ["page=[0-9]+$", "/list", "page=x", 400],
  ["%20", "/a%20b", "", 200],
  ["(?i)^/ORDERS$", "/orders", "", 200],
  ["\\A/(?P<id>[a-z]+)\\z", "/orders", "", 200],
  ["\\A/(?P<id>[a-z]+)\\z", "/orders/1", "", 400],
  ["", "/anything", "", 200],
] as const)("tests %s on %s?%s", async ([rule, path, query, status]) => {
  expect(await statusOf(rule, path, query)).toBe(status);
});

test("refuses in Dapr's words, without passing the request on", async () => {
  let passed = false;
  const { handle } = middlewareRouterChecker({ rule: "^/never$" })(context);
  const response = await handle(requestOf(), async () => {
    passed = true;
    return answer;
  });
  expect(Buffer.from(response.body as Uint8Array).toString()).toBe("invalid router");
  expect(passed).toBe(false);
});

test("does not start with a rule that is no regular expression", () => {
  expect(() => middlewareRouterChecker({ rule: "[" })).toThrow(
    "failed to compile rule regexp: error parsing regexp: ",
  );
  expect(optionsFromMetadata({ Rule: "^/" })).toEqual({ rule: "^/" });
});
