import { expect, test } from "vitest";
import { provenClaims } from "../src/invocation/caller-claims.ts";

const peer = {
  ...{ spiffeId: "spiffe://public/ns/shop/cart", trustDomain: "public" },
  ...{ namespace: "shop", appId: "cart" },
};
const right = ["a", "1", "dapr-caller-namespace", "shop", "dapr-caller-app-id", "cart"];

test("claims that are true pass as they are, without a copy", () => {
  expect(provenClaims(right, peer)).toBe(right);
});

test("without a proven identity nothing is changed", () => {
  const claims = ["dapr-caller-app-id", "anybody"];
  expect(provenClaims(claims, undefined)).toBe(claims);
});

test.each([
  ["forged", ["a", "1", "Dapr-Caller-App-Id", "admin", "dapr-caller-namespace", "shop"]],
  ["twice", [...right, "dapr-caller-app-id", "admin"]],
])("claims that are %s are replaced", (_name, metadata) => {
  expect(provenClaims(metadata, peer)).toEqual(right);
});

test("a missing app id is added, a missing namespace is not", () => {
  expect(provenClaims(["a", "1"], peer)).toEqual(["a", "1", "dapr-caller-app-id", "cart"]);
});
