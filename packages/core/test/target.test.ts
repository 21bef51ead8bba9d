import { parseTarget } from "@outrigger/core";
import { expect, test } from "vitest";

test("an id without a dot is an app of the own namespace", () => {
  expect(parseTarget("orders", "shop")).toEqual({
    kind: "app",
    appId: "orders",
    namespace: "shop",
  });
});

test("an id with one dot names its namespace", () => {
  expect(parseTarget("orders.prod", "shop")).toMatchObject({ appId: "orders", namespace: "prod" });
});

test("an empty namespace is the own one, not a wildcard", () => {
  expect(parseTarget("orders.", "shop")).toMatchObject({ appId: "orders", namespace: "shop" });
});

test.for(["http://example.com/a.b", "https://example.com"])("%s is a URL target", (url) => {
  expect(parseTarget(url, "shop")).toEqual({ kind: "url", url });
});

test("an upper-case scheme is not a URL", () => {
  expect(() => parseTarget("HTTP://a.b.c", "shop")).toThrow("invalid app id HTTP://a.b.c");
});

test.for([
  ["", "app id is empty"],
  ["a.b.c", "invalid app id a.b.c"],
])("refuses %j", ([id, text]) => {
  expect(() => parseTarget(id as string, "shop")).toThrow(text);
});
