import { middlewareOpa, optionsFromMetadata } from "@outrigger/middleware-opa";
import { expect, test } from "vitest";

test("reads settings as Dapr does", () => {
  const none = { includedHeaders: [], readBody: false };
  expect(optionsFromMetadata({ policyFile: "p.wasm", rego: "package http" })).toEqual({
    ...none,
    policyFile: "p.wasm",
  });
  expect(
    optionsFromMetadata({
      POLICY: Buffer.from("abc").toString("base64"),
      defaultStatus: "404",
      includedHeaders: "x-my-header, x jwt,,",
      readBody: "TRUE",
    }),
  ).toEqual({
    policy: Buffer.from("abc"),
    defaultStatus: 404,
    includedHeaders: ["x-my-header", "xjwt"],
    readBody: true,
  });
});

test("says what is wrong, and how to compile a policy", () => {
  const how = "opa build -t wasm -e http/allow";
  expect(() => optionsFromMetadata({ rego: "package http" })).toThrow(how);
  expect(() => optionsFromMetadata({ rego: "package http" })).toThrow("'rego' is source text");
  expect(() => optionsFromMetadata({})).toThrow("'policyFile' or 'policy' is required");
  expect(() => optionsFromMetadata({ policyFile: "a", policy: "b" })).toThrow("only one");
  for (const defaultStatus of ["many", "99", "600", "403.5"]) {
    expect(() => optionsFromMetadata({ policyFile: "a", defaultStatus })).toThrow(
      `invalid status value ${defaultStatus}`,
    );
  }
});

test("refuses options that are wrong", () => {
  const make = (options: object) => () => middlewareOpa(options);
  expect(make({ policyFile: "a" })).not.toThrow();
  expect(make({})).toThrow("either policy or policyFile must be set");
  expect(make({ policyFile: "a", policy: new Uint8Array() })).toThrow("either policy or");
  expect(make({ policyFile: "a", defaultStatus: 100 })).toThrow("must be a status from 200 to 599");
  expect(make({ policyFile: "a", maxBodyBytes: -1 })).toThrow("must be a number of bytes");
  expect(make({ policyFile: "a", rego: "" })).toThrow("rego");
});
