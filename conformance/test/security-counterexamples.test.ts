import { accessPolicy } from "@outrigger/access-policy";
import {
  type AccessRules,
  type AccessSubject,
  accessCases,
  type ConformanceCase,
  type IdentitySubject,
  identityCases,
  runCase,
  testContext,
} from "@outrigger/conformance";
import type { AccessPolicy, AccessRequest } from "@outrigger/core";
import { describe, expect, test } from "vitest";
import { identityFaults, identitySubject } from "./identity-faults.ts";

type Make = (rules: AccessRules) => AccessPolicy;

const right: Make = (rules) => accessPolicy(rules)(testContext());

/** A policy that reads the question wrongly. */
function misread(change: (request: AccessRequest) => Partial<AccessRequest>): Make {
  return (rules) => {
    const policy = right(rules);
    const decide = (request: AccessRequest) => policy.decide({ ...request, ...change(request) });
    return { name: "misread", decide };
  };
}

type Operation = AccessRules["policies"][number]["operations"][number];

/** A policy that reads its rules wrongly. */
function misruled(change: (operation: Operation) => Operation): Make {
  return (rules) =>
    right({
      ...rules,
      policies: rules.policies.map((policy) => ({
        ...policy,
        operations: policy.operations.map(change),
      })),
    });
}

const caller = {
  ...{ spiffeId: "spiffe://public/ns/default/caller", trustDomain: "public" },
  ...{ namespace: "default", appId: "caller" },
};

/** For each case a policy that it must catch. */
const accessFaults: Readonly<Record<string, Make>> = {
  "access/caller/known": misread(() => ({ peer: caller })),
  "access/caller/default": (rules) => right({ ...rules, defaultAction: "deny" }),
  "access/caller/foreign": misread(({ peer }) => ({
    peer: peer && { ...peer, namespace: "default" },
  })),
  "access/caller/malformed": misread(({ peer }) => ({
    peer: peer?.appId && peer.namespace ? peer : undefined,
  })),
  "access/path/exact": misread(({ method }) => ({ method: method.slice(0, 6) })),
  "access/path/raw": misread(({ method }) => ({ method: decodeURIComponent(method) })),
  "access/path/star": misruled((operation) => ({
    ...operation,
    name: operation.name.replace("/*", "/**"),
  })),
  "access/path/two-stars": misruled((operation) => ({
    ...operation,
    name: operation.name.replace("/**", "/*"),
  })),
  "access/path/case-http": misread(() => ({ protocol: "grpc" })),
  "access/path/case-grpc": misread(() => ({ protocol: "http", verb: "GET" })),
  "access/verb/listed": misruled((operation) => ({ ...operation, httpVerb: ["*"] })),
  "access/verb/all": misruled((operation) => ({ ...operation, httpVerb: ["GET", "POST"] })),
  "access/verb/none": misruled((operation) => ({ ...operation, httpVerb: ["*"] })),
  "access/verb/grpc": misread(() => ({ protocol: "http" })),
  "access/conduct/pure": () => {
    let asked = 0;
    return { name: "moody", decide: () => ({ allowed: ++asked % 2 === 0, reason: "mood" }) };
  },
  "access/conduct/linear": () => ({
    name: "slow",
    decide: ({ method }) => {
      const endsAt = performance.now() + Math.min(600, method.length);
      while (performance.now() < endsAt);
      return { allowed: false, reason: "slow" };
    },
  }),
};

async function outcomeOf<Subject>(
  testCase: ConformanceCase<Subject>,
  subject: () => Promise<{ subject: Subject; teardown?: () => unknown }>,
): Promise<string> {
  return (await runCase(testCase, subject, { timeoutMs: 400 })).outcome;
}

describe("access policies", () => {
  test("each case has a broken policy", () => {
    expect(Object.keys(accessFaults).sort()).toEqual(accessCases.map(({ id }) => id).sort());
  });

  test.each(accessCases)("$id is passed by a right policy and fails a broken one", async (each) => {
    const subject = (make: Make) => async (): Promise<{ subject: AccessSubject }> => ({
      subject: { make },
    });
    const fault = accessFaults[each.id];
    if (fault === undefined) throw new Error(`no fault for ${each.id}`);
    expect(await outcomeOf(each, subject(right))).toBe("passed");
    expect(await outcomeOf(each, subject(fault))).toBe("failed");
  });
});

describe("certificate sources", () => {
  test("each case has a broken source", () => {
    expect(Object.keys(identityFaults).sort()).toEqual(identityCases.map(({ id }) => id).sort());
  });

  test.each(identityCases)(
    "$id is passed by a right source and fails a broken one",
    async (each) => {
      const fault = identityFaults[each.id];
      if (fault === undefined) throw new Error(`no fault for ${each.id}`);
      const subject = (broken: boolean) => async (): Promise<{ subject: IdentitySubject }> => {
        const made = await identitySubject();
        return { subject: broken ? await fault(made) : made };
      };
      expect(await outcomeOf(each, subject(false))).toBe("passed");
      expect(await outcomeOf(each, subject(true))).toBe("failed");
    },
  );
});
