import { expect, test } from "vitest";
import { apiRules, grpcApiRules } from "../src/sidecar/api-rules.ts";

const rule = (name: string, version: string, protocol: string) => ({ name, version, protocol });

test("a denied group is closed and the others stay open", () => {
  const isAllowed = apiRules({ allowed: [], denied: [rule("metadata", "v1", "http")] }, "http");
  expect(isAllowed("metadata", "v1.0/metadata")).toBe(false);
  expect(isAllowed("invoke", "v1.0/invoke/*")).toBe(true);
});

test("a list of allowed groups closes the rest of its own protocol only", () => {
  const api = { allowed: [rule("invoke", "v1", "grpc")], denied: [] };
  expect(apiRules(api, "http")("shutdown", "v1.0/shutdown")).toBe(true);
  expect(grpcApiRules(api)("invoke")).toBe(true);
  expect(grpcApiRules(api)("shutdown")).toBe(false);
  expect(grpcApiRules(api)(undefined)).toBe(false);
});

test("the old form of a rule is the beginning of a route", () => {
  const isAllowed = apiRules({ allowed: [rule("invoke", "v1.0", "http")], denied: [] }, "http");
  expect(isAllowed("invoke", "v1.0/invoke/*")).toBe(true);
  expect(isAllowed("shutdown", "v1.0/shutdown")).toBe(false);
});
