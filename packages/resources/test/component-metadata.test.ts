import {
  type ComponentDocument,
  componentValues,
  type MetadataSources,
  type NamedValue,
} from "@outrigger/resources";
import { expect, test } from "vitest";

function documentOf(...metadata: readonly Partial<NamedValue>[]): ComponentDocument {
  const empty = { name: "x", value: undefined, secretKeyRef: undefined, envRef: undefined };
  return {
    kind: "Component",
    name: "thing",
    namespace: "",
    type: "middleware.http.uppercase",
    version: "v1",
    metadata: metadata.map((item) => ({ ...empty, ...item })),
    ignoreErrors: false,
    initTimeoutMs: 5_000,
    secretStore: "vault",
    scopes: [],
    file: "a.yaml",
  };
}

const sources: MetadataSources = {
  appId: "orders",
  namespace: "prod",
  env: { COLOUR: "blue", APP_API_TOKEN: "secret", DAPR_API_TOKEN: "secret" },
  secret: (store, { name, key }) => `${store}:${name}:${key}`,
};

function settingOf(item: Partial<NamedValue>, more: Partial<MetadataSources> = {}): string {
  return componentValues(documentOf(item), { ...sources, ...more }).values.x ?? "nothing";
}

test("literal values win over variables and secrets", () => {
  expect(settingOf({ value: "a", envRef: "COLOUR" })).toBe("a");
  expect(settingOf({ envRef: "COLOUR" })).toBe("blue");
  expect(settingOf({ envRef: "UNSET" })).toBe("");
  expect(settingOf({ secretKeyRef: { name: "n", key: "k" } })).toBe("vault:n:k");
  expect(settingOf({})).toBe("");
});

test.for(["APP_API_TOKEN", "app_api_token", "DAPR_API_TOKEN", "with space"])(
  "the variable %s may not be read",
  (envRef) => {
    const { values, warnings } = componentValues(documentOf({ envRef }), sources);
    expect(values.x).toBe("");
    expect(warnings).toEqual([expect.stringContaining(`"${envRef}" may not be read`)]);
  },
);

test("a list of variables that may be read leaves the others out", () => {
  const env = { ...sources.env, DAPR_ENV_KEYS: "SHAPE" };
  expect(settingOf({ envRef: "COLOUR" }, { env })).toBe("");
  expect(settingOf({ envRef: "COLOUR" }, { env: { ...env, DAPR_ENV_KEYS: "SHAPE COLOUR" } })).toBe(
    "blue",
  );
});

test("templates are filled, the namespace with the app id as in Dapr", () => {
  expect(settingOf({ value: "{appID}/{namespace}/{other}" })).toBe("orders/prod.orders/{other}");
  const [first, second] = settingOf({ value: "{uuid} {uuid}" }).split(" ");
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  expect(second).not.toBe(first);
  expect(settingOf({ value: "{podName}" }, { env: { POD_NAME: "orders-0" } })).toBe("orders-0");
  expect(() => settingOf({ value: "{podName}" })).toThrow(
    "failed to parse metadata: property x refers to {podName} but podName is not set",
  );
});
