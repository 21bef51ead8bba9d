import { testContext } from "@outrigger/conformance";
import { isOutriggerError } from "@outrigger/core";
import { type ResolverStaticOptions, resolverStatic } from "@outrigger/resolver-static";
import { expect, test } from "vitest";

const signal = new AbortController().signal;

function resolve(apps: ResolverStaticOptions["apps"], appId: string, namespace = "default") {
  return resolverStatic({ apps })(testContext()).resolve({ appId, namespace }, signal);
}

test("reads host:port, IPv6 in brackets, and endpoints in parts", async () => {
  const apps = { orders: ["10.0.0.7:50002", "[fd00::5]:50003", { host: "db.local", port: 1 }] };

  expect(await resolve(apps, "orders")).toEqual([
    { host: "10.0.0.7", port: 50_002 },
    { host: "fd00::5", port: 50_003 },
    { host: "db.local", port: 1 },
  ]);
});

test("an app of a namespace goes before the app of every namespace", async () => {
  const apps = { orders: ["10.0.0.1:1"], "orders.prod": ["10.0.0.2:2"] };

  expect(await resolve(apps, "orders", "prod")).toEqual([{ host: "10.0.0.2", port: 2 }]);
  expect(await resolve(apps, "orders", "test")).toEqual([{ host: "10.0.0.1", port: 1 }]);
});

test("an endpoint that states a namespace is left out of others", async () => {
  const apps = { orders: ["10.0.0.1:1", { host: "10.0.0.2", port: 2, namespace: "prod" }] };

  expect(await resolve(apps, "orders", "test")).toEqual([{ host: "10.0.0.1", port: 1 }]);
});

test("does not know what every object has", async () => {
  await expect(resolve({}, "constructor")).rejects.toMatchObject({
    code: "OTR_RESOLVE_NOT_FOUND",
    message: "couldn't find service: constructor",
  });
});

test("names the endpoint that is wrong", () => {
  const configure = () => resolverStatic({ apps: { orders: ["10.0.0.1:1", "10.0.0.2"] } });

  expect(configure).toThrow(/apps\.orders\.1: must be "host:port".*got "10\.0\.0\.2"/);
});

test("rejects a misspelt option", () => {
  const options = { apps: {}, retryAfter: 1 };

  expect(() => resolverStatic(options)).toThrow(
    expect.toSatisfy((reason) => isOutriggerError(reason)),
  );
});
