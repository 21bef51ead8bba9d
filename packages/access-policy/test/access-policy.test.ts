import { type AccessPolicyOptions, accessPolicy } from "@outrigger/access-policy";
import { testContext } from "@outrigger/conformance";
import type { AccessPolicy, Logger, PeerIdentity } from "@outrigger/core";
import { describe, expect, test } from "vitest";
import { decisionTable } from "./decision-table.ts";

const caller = peer("caller");

function peer(appId: string, namespace = "default", trustDomain = "public"): PeerIdentity {
  const spiffeId = `spiffe://${trustDomain}/ns/${namespace}/${appId}`;
  return { spiffeId, trustDomain, namespace, appId };
}

function make(options: AccessPolicyOptions): { policy: AccessPolicy; warnings: string[] } {
  const warnings: string[] = [];
  const log: Logger = {
    enabled: () => true,
    log: (_level, text) => void warnings.push(text),
    scope: () => log,
  };
  return { policy: accessPolicy(options)(testContext({ log })), warnings };
}

describe.each(decisionTable)("$name", ({ options, protocol, rows }) => {
  const { policy } = make(options);
  test.each(rows.map(([verb, method, allowed]) => ({ verb, method, allowed })))(
    "$verb $method: $allowed",
    ({ verb, method, allowed }) => {
      expect(policy.decide({ peer: caller, method, verb, protocol }).allowed).toBe(allowed);
    },
  );
});

test("the table has at least 200 decisions", () => {
  expect(decisionTable.flatMap(({ rows }) => rows).length).toBeGreaterThanOrEqual(200);
});

describe("who calls", () => {
  const options: AccessPolicyOptions = {
    defaultAction: "deny",
    policies: [
      { appId: "caller", namespace: "default", trustDomain: "public", defaultAction: "allow" },
    ],
  };
  const ask = (who: PeerIdentity | undefined, global: string): boolean =>
    make({ ...options, defaultAction: global }).policy.decide({
      peer: who,
      method: "m",
      verb: "GET",
      protocol: "http",
    }).allowed;

  test.each([
    ["the caller of the policy", caller, true, true],
    ["nobody that is known", undefined, true, false],
    ["another app", peer("other"), true, false],
    ["the same id in another namespace", peer("caller", "elsewhere"), true, false],
    ["the same id in another trust domain", peer("caller", "default", "other"), true, false],
    ["the same id in another letter case", peer("Caller"), true, false],
    ["a malformed identity", { ...peer("caller"), appId: "" }, false, false],
    ["an identity without a namespace", { ...peer("caller"), namespace: "" }, false, false],
  ])("%s", (_name, who, whenAllow, whenDeny) => {
    expect([ask(who, "allow"), ask(who, "deny")]).toEqual([whenAllow, whenDeny]);
  });
});

test("without rules everybody may call everything, as in Dapr", () => {
  const { policy, warnings } = make({});
  const request = { peer: undefined, method: "m", verb: "GET", protocol: "http" } as const;
  expect(policy.decide(request).allowed).toBe(true);
  expect(warnings).toEqual([]);
});

test("an empty default denies and says so", () => {
  const { policy, warnings } = make({ defaultAction: "" });
  const request = { peer: undefined, method: "m", verb: "GET", protocol: "http" } as const;
  expect(policy.decide(request).allowed).toBe(false);
  expect(warnings.join()).toContain("Setting default global action as Deny");
});

test("policies under a default that allows, and operations named twice, are warned of", () => {
  const operations = [
    { name: "/a", httpVerb: ["GET"], action: "allow" },
    { name: "/a", httpVerb: ["PUT"], action: "allow" },
  ];
  const named = { appId: "caller", namespace: "default", trustDomain: "public" };
  const { policy, warnings } = make({
    policies: [{ ...named, defaultAction: "deny", operations }],
  });
  expect(warnings).toEqual([
    expect.stringContaining("defaultAction is allow"),
    expect.stringContaining("operation /a is named twice"),
  ]);
  const ask = (verb: string): boolean =>
    policy.decide({ peer: caller, method: "a", verb, protocol: "http" }).allowed;
  expect([ask("GET"), ask("PUT")]).toEqual([true, false]);
});

test("a later policy for the same caller replaces the earlier one", () => {
  const named = { appId: "caller", namespace: "default", trustDomain: "public" };
  const { policy } = make({
    policies: [
      { ...named, defaultAction: "allow" },
      { ...named, defaultAction: "deny" },
    ],
  });
  const decision = policy.decide({ peer: caller, method: "m", verb: "GET", protocol: "http" });
  expect(decision).toMatchObject({ allowed: false, scope: "app" });
});

test.each([
  [{ policies: [{ appId: "", namespace: "n", trustDomain: "t" }] }, "policies.0.appId"],
  [{ policies: [{ appId: "a", namespace: "", trustDomain: "t" }] }, "policies.0.namespace"],
  [{ policies: [{ appId: "a", namespace: "n", trustDomain: "" }] }, "policies.0.trustDomain"],
])("a policy for nobody is refused: %j", (options, field) => {
  expect(() => accessPolicy(options)).toThrow(field);
});

test("a long path is decided at once", () => {
  const names = ["/a*b*c*d/**", "/**/x/*", `/${"*a".repeat(50)}`];
  const operations = names.map((name) => ({ name, httpVerb: ["*"], action: "allow" }));
  const named = { appId: "caller", namespace: "default", trustDomain: "public" };
  const { policy } = make({ defaultAction: "deny", policies: [{ ...named, operations }] });
  const startedAt = performance.now();
  for (const method of ["a/".repeat(10_000), "a".repeat(1_048_576), `a${"b".repeat(1_000_000)}c`]) {
    policy.decide({ peer: caller, method, verb: "GET", protocol: "http" });
  }
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
