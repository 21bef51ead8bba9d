import type { AccessPolicy } from "@outrigger/core";
import { expect, test } from "vitest";
import { decideOrDeny } from "../src/access-policy.ts";
import { decideOnAllReadings } from "../src/invocation/readings.ts";

const request = { peer: undefined, verb: "GET", protocol: "http" } as const;

function asking(allowed: (method: string) => boolean): { policy: AccessPolicy; asked: string[] } {
  const asked: string[] = [];
  const policy: AccessPolicy = {
    name: "asking",
    decide: ({ method }) => {
      asked.push(method);
      return { allowed: allowed(method), reason: method };
    },
  };
  return { policy, asked };
}

test.each([
  ["public/%2e%2e/admin", "admin"],
  ["public%2F..%2F..%2Fadmin", "admin"],
  ["%61dmin", "admin"],
  ["a%20b", "a b"],
  ["a%zz", "a%zz"],
])("%s is judged as text and as an app reads it", (method, read) => {
  const { policy, asked } = asking(() => true);
  expect(decideOnAllReadings(policy, { ...request, method }).allowed).toBe(true);
  expect(asked).toEqual([method, read]);
  const denying = asking((each) => each !== read).policy;
  expect(decideOnAllReadings(denying, { ...request, method }).allowed).toBe(false);
});

test("a denial is not asked about again, and neither is a gRPC method", () => {
  const denying = asking(() => false);
  decideOnAllReadings(denying.policy, { ...request, method: "a%2Fb" });
  expect(denying.asked).toEqual(["a%2Fb"]);
  const grpc = asking(() => true);
  decideOnAllReadings(grpc.policy, { ...request, protocol: "grpc", method: "/a%2Fb/C" });
  expect(grpc.asked).toEqual(["/a%2Fb/C"]);
});

test("a policy that throws or gives no decision denies", () => {
  const thrower: AccessPolicy = {
    name: "thrower",
    decide: () => {
      throw new Error("broken");
    },
  };
  expect(decideOrDeny(thrower, { ...request, method: "m" })).toEqual({
    allowed: false,
    reason: "thrower failed: broken",
  });
  const answers: unknown[] = [undefined, null, {}, { allowed: "yes" }, { allowed: 1 }];
  for (const answer of answers) {
    const odd: AccessPolicy = { name: "odd", decide: () => answer as never };
    expect(decideOrDeny(odd, { ...request, method: "m" }).allowed).toBe(false);
  }
});
