import { type HttpRequest, silentLogger } from "@outrigger/core";
import { middlewareRouterAlias, optionsFromMetadata } from "@outrigger/middleware-router-alias";
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

async function aliasOf(
  routes: Readonly<Record<string, string>>,
  path: string,
  query = "",
): Promise<string> {
  let seen = "";
  const { handle } = middlewareRouterAlias({ routes })(context);
  await handle(requestOf({ path, query }), async (passed) => {
    seen = `${passed.path}?${passed.query}`;
    return { status: 200, headers: [], body: Buffer.alloc(0) };
  });
  return seen;
}

const routes = {
  "/a": "/b",
  "/b": "/c",
  "/u/{id}": "/user",
  "/u/{id}/{part}": "/user?fixed=1",
  "/u/me": "/myself",
  "/dots.and+more": "/d",
};

test.for([
  ["/a", "", "/b?"],
  ["/a", "x=1", "/b?x=1"],
  ["/a/", "", "/a/?"],
  ["/other", "x=1", "/other?x=1"],
  ["/u/7", "", "/user?id=7"],
  ["/u/7", "x=1", "/user?x=1&id=7"],
  ["/u/7/name", "", "/user?fixed=1&id=7&part=name"],
  ["/u/me", "", "/myself?"],
  ["/u/a&b%20c", "", "/user?id=a%26b%20c"],
  ["/u/", "", "/u/?"],
  ["/dotsXand+more", "", "/dotsXand+more?"],
  ["/dots.and+more", "", "/d?"],
] as const)("leads %s?%s to %s", async ([path, query, expected]) => {
  expect(await aliasOf(routes, path, query)).toBe(expected);
});

test("reads settings as Dapr does: JSON, YAML, or each setting a route", () => {
  const expected = { routes: { "/a": "/b" } };
  expect(optionsFromMetadata({ Routes: '{"/a": "/b"}' })).toEqual(expected);
  expect(optionsFromMetadata({ routes: "/a: /b\n" })).toEqual(expected);
  expect(optionsFromMetadata({ "/a": "/b" })).toEqual(expected);
  expect(optionsFromMetadata({})).toEqual({ routes: {} });
  expect(optionsFromMetadata({ routes: "{}" })).toEqual({ routes: {} });
});

test("does not start with routes that are none", () => {
  expect(() => optionsFromMetadata({ routes: "{" })).toThrow(
    "failed to decode 'routes' property as JSON or YAML",
  );
  expect(() => optionsFromMetadata({ routes: "[1]" })).toThrow(
    "failed to decode 'routes' property as JSON or YAML",
  );
  for (const metadata of [{ routes: "" }, { "/a": "" }]) {
    expect(() => optionsFromMetadata(metadata)).toThrow("invalid key/value pair in metadata");
  }
  expect(() => middlewareRouterAlias({ routes: { a: "/b" } })).toThrow("must begin with a slash");
  expect(() => middlewareRouterAlias({ routes: { "/{a": "/b" } })).toThrow("unbalanced braces");
});
