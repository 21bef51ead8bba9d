import { formatSpiffeId, parseSpiffeId, parseTrustDomain, toPeerIdentity } from "@outrigger/spiffe";
import { expect, test } from "vitest";

test.each([
  ["spiffe://public/ns/default/app", "public", ["ns", "default", "app"]],
  ["spiffe://cluster.local/ns/a-b/C_d.e", "cluster.local", ["ns", "a-b", "C_d.e"]],
  ["spiffe://td", "td", []],
])("%s is an id", (text, trustDomain, segments) => {
  expect(parseSpiffeId(text)).toEqual({ trustDomain, segments });
});

test.each([
  "",
  "spiffe://",
  "spiffe:///ns/a/b",
  "SPIFFE://public/ns/a/b",
  "spiffe://Public/ns/a/b",
  "spiffe://public/",
  "spiffe://public/ns//b",
  "spiffe://public/ns/a/b/",
  "spiffe://public/ns/./b",
  "spiffe://public/ns/../b",
  "spiffe://public/ns/a/b?x",
  "spiffe://public/ns/a/b#x",
  "spiffe://public/ns/a/b%2Fc",
  "spiffe://public:443/ns/a/b",
  "spiffe://user@public/ns/a/b",
  "spiffe://public/ns/a/b,URI:spiffe://public/ns/a/c",
  `spiffe://public/ns/a/${"b".repeat(2_048)}`,
  "https://public/ns/a/b",
])("%s is none", (text) => {
  expect(parseSpiffeId(text)).toBeUndefined();
  expect(toPeerIdentity(text)).toBeUndefined();
});

test.each(["spiffe://public/ns/a", "spiffe://public/other/a/b", "spiffe://public/ns/a/b/c"])(
  "%s names no app",
  (spiffeId) => {
    const nobody = { spiffeId, trustDomain: "public", namespace: "", appId: "" };
    expect(toPeerIdentity(spiffeId)).toEqual(nobody);
  },
);

test("an id is made of its parts, or not at all", () => {
  const name = { trustDomain: "public", namespace: "shop", appId: "cart" };
  expect(formatSpiffeId(name)).toBe("spiffe://public/ns/shop/cart");
  expect(formatSpiffeId({ ...name, appId: "a:b" })).toBeUndefined();
  expect(formatSpiffeId({ ...name, appId: ".." })).toBeUndefined();
  expect(formatSpiffeId({ ...name, namespace: "" })).toBeUndefined();
  expect(formatSpiffeId({ ...name, trustDomain: "Public" })).toBeUndefined();
});

test("a trust domain is a name or the host of an id", () => {
  expect(parseTrustDomain("cluster.local")).toBe("cluster.local");
  expect(parseTrustDomain("spiffe://cluster.local/x")).toBe("cluster.local");
  expect(parseTrustDomain("a/b")).toBeUndefined();
  expect(parseTrustDomain("")).toBeUndefined();
});
