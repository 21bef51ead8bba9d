import { testContext } from "@outrigger/conformance";
import { isOutriggerError } from "@outrigger/core";
import { nameFormatOptionsFromDapr, resolverDns } from "@outrigger/resolver-dns";
import { expect, test } from "vitest";

const signal = AbortSignal.timeout(10_000);

test("splits Dapr's format into name and port", () => {
  const options = nameFormatOptionsFromDapr({ Format: "{appid}.apps.internal:50002", other: 1 });
  expect(options).toMatchObject({ name: "{appid}.apps.internal", port: 50_002 });
  expect(resolverDns(options)(testContext()).features.namespaces).toBe(false);
});

test("finds every address that the operating system knows for a name", async () => {
  const resolver = resolverDns(nameFormatOptionsFromDapr({ format: "{appid}:50002" }))(
    testContext(),
  );
  const found = await resolver.resolve({ appId: "localhost", namespace: "any" }, signal);
  expect(found).toContainEqual({ host: "127.0.0.1", port: 50_002 });
  await resolver.stop?.();
});

test("does not accept an empty id", async () => {
  const resolver = resolverDns(nameFormatOptionsFromDapr({ format: "{appid}:50002" }))(
    testContext(),
  );
  await expect(resolver.resolve({ appId: "", namespace: "a" }, signal)).rejects.toMatchObject({
    code: "OTR_RESOLVE_NOT_FOUND",
    message: "empty ID not allowed",
  });
});

test.each<[unknown, RegExp]>([
  [undefined, /^format is required in metadata$/],
  [{ format: "" }, /^format is required in metadata$/],
  [{ format: "orders.internal:50002" }, /^format must contain \{appid\} placeholder$/],
  [{ format: "{appid}.internal" }, /^format must end with the internal gRPC port/],
  [{ format: "{appid}.internal:0" }, /^format must end with the internal gRPC port/],
  [{ format: "http://{appid}:50002" }, /^format must end with the internal gRPC port/],
  [{ format: "sidecar:{appid}" }, /^format must end with the internal gRPC port/],
  [{ format: "{appid}:1", FORMAT: "{appid}:2" }, /duplicate key/],
  [["format"], /must be a map/],
])("refuses %j", (configuration, message) => {
  let thrown: unknown;
  try {
    nameFormatOptionsFromDapr(configuration);
  } catch (reason) {
    thrown = reason;
  }
  expect(isOutriggerError(thrown, "OTR_OPTIONS_INVALID")).toBe(true);
  expect((thrown as Error).message).toMatch(message);
});
