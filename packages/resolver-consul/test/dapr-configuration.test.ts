import { isOutriggerError } from "@outrigger/core";
import { consulOptionsFromDapr, resolverConsul } from "@outrigger/resolver-consul";
import { describe, expect, test } from "vitest";

const defaults = {
  selfRegister: false,
  selfDeregister: true,
  useCache: true,
  check: "http",
  namespaceMetaKey: "",
  queryOptions: { useCache: true },
};

const textOf = (configuration: unknown): string => {
  try {
    consulOptionsFromDapr(configuration);
    return "accepted";
  } catch (reason) {
    return isOutriggerError(reason, "OTR_OPTIONS_INVALID") ? reason.message : `wrong: ${reason}`;
  }
};

describe("Dapr's configuration", () => {
  test.each([undefined, null, {}, { somethingElse: 1, address: "flat names are not read" }])(
    "has defaults for %j",
    (configuration) => expect(consulOptionsFromDapr(configuration)).toEqual(defaults),
  );

  test("is read with keys in any case, at every depth", () => {
    const options = consulOptionsFromDapr({
      SELFREGISTER: true,
      selfderegister: false,
      UseCache: false,
      DaprPortMetaKey: "PORT",
      Tags: ["a"],
      Meta: { KeepsCase: "x" },
      CLIENT: {
        Address: "consul:8500",
        Scheme: "https",
        WaitTime: 5_000_000_000,
        TLSCONFIG: { CAFile: "/ca.pem", InsecureSkipVerify: true },
        HTTPAuth: { Username: "me", Password: "secret" },
      },
      QueryOptions: {
        UseCache: true,
        MaxAge: 3_000_000_000,
        StaleIfError: 9_000_000_000,
        WaitIndex: 7,
        WaitHash: "h",
        Namespace: "dropped",
        Partition: "dropped",
        NodeMeta: { Rack: "1" },
      },
      Checks: [{ CHECKID: "c", Http: "http://x", Header: { "X-A": ["1"] }, Interval: "3s" }],
    });
    expect(options).toEqual({
      ...defaults,
      selfRegister: true,
      selfDeregister: false,
      useCache: false,
      daprPortMetaKey: "PORT",
      tags: ["a"],
      meta: { KeepsCase: "x" },
      client: {
        address: "consul:8500",
        scheme: "https",
        waitMs: 5_000,
        tls: { caFile: "/ca.pem", insecureSkipVerify: true },
        httpAuth: { username: "me", password: "secret" },
      },
      queryOptions: {
        useCache: true,
        maxAgeMs: 3_000,
        staleIfErrorMs: 9_000,
        nodeMeta: { Rack: "1" },
      },
      checks: [{ checkID: "c", http: "http://x", header: { "X-A": ["1"] }, interval: "3s" }],
    });
    // What comes out is what the factory takes.
    expect(() => resolverConsul(options)).not.toThrow();
  });

  test("given query options replace the default, they are not merged with it", () => {
    const { queryOptions } = consulOptionsFromDapr({ queryOptions: { near: "_agent" } });
    expect(queryOptions).toEqual({ near: "_agent" });
  });

  test("an empty key of the port stays empty", () => {
    expect(consulOptionsFromDapr({ daprPortMetaKey: "" }).daprPortMetaKey).toBe("");
  });

  test.each([
    [{ selfRegister: "true" }, "selfRegister"],
    [{ client: { waitTime: "10s" } }, "client.waitTime"],
    [{ queryOptions: { maxAge: 1.5 } }, "queryOptions.maxAge"],
    [{ tags: "a" }, "tags"],
    [{ checks: [{ http: 1 }] }, "checks[0].http"],
    [{ meta: { a: 1 } }, "meta.a"],
    ["text", "configuration"],
    [[], "configuration"],
  ])("rejects %j", (configuration, field) => {
    expect(textOf(configuration)).toMatch(/^error deserializing to configSpec: /);
    expect(textOf(configuration)).toContain(field);
  });
});
