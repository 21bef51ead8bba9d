import assert from "node:assert/strict";
import type { AccessDecision, AccessRequest, PeerIdentity } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import type { AccessRules, AccessSubject } from "./access-subject.ts";

type Case = ConformanceCase<AccessSubject>;

const caller: PeerIdentity = identity("caller");

function identity(appId: string, namespace = "default", trustDomain = "public"): PeerIdentity {
  const spiffeId = `spiffe://${trustDomain}/ns/${namespace}/${appId}`;
  return { spiffeId, trustDomain, namespace, appId };
}

/** Rules that let `caller` do the named operations, by default with any verb. */
function rules(
  names: readonly string[],
  httpVerb: readonly string[] = ["*"],
  defaultAction: AccessRules["defaultAction"] = "deny",
): AccessRules {
  const operations = names.map((name) => ({ name, httpVerb, action: "allow" as const }));
  const { appId, namespace, trustDomain } = caller;
  return { defaultAction, policies: [{ appId, namespace, trustDomain, operations }] };
}

type Question = readonly [string, Partial<AccessRequest>, boolean];

/** A case that asks one policy several questions. */
function questions(id: string, title: string, book: AccessRules, rows: readonly Question[]): Case {
  return {
    id: `access/${id}`,
    title,
    async run({ make }) {
      const policy = await make(book);
      for (const [what, change, allowed] of rows) {
        const decision: AccessDecision = policy.decide(request(change));
        assert.equal(decision.allowed, allowed, `${what}: ${decision.reason}`);
      }
    },
  };
}

function request(change: Partial<AccessRequest>): AccessRequest {
  return { peer: caller, method: "public", verb: "GET", protocol: "http", ...change };
}

const callers: readonly Case[] = [
  questions("caller/known", "the rules are for the caller that they name", rules(["/public"]), [
    ["itself", {}, true],
    ["another app", { peer: identity("other") }, false],
    ["another letter case", { peer: identity("Caller") }, false],
  ]),
  questions(
    "caller/default",
    "everybody else gets the default, when that allows",
    { ...rules(["/public"], ["*"], "allow") },
    [
      ["another app", { peer: identity("other"), method: "x" }, true],
      ["another namespace", { peer: identity("caller", "elsewhere"), method: "x" }, true],
      ["another trust domain", { peer: identity("caller", "default", "td"), method: "x" }, true],
      ["nobody", { peer: undefined, method: "x" }, true],
    ],
  ),
  questions("caller/foreign", "the same id elsewhere is somebody else", rules(["/public"]), [
    ["another namespace", { peer: identity("caller", "elsewhere") }, false],
    ["another trust domain", { peer: identity("caller", "default", "td") }, false],
    ["nobody", { peer: undefined }, false],
  ]),
  questions(
    "caller/malformed",
    "an identity that names no app is denied, whatever the default",
    rules([], ["*"], "allow"),
    [
      ["no app id", { peer: { ...caller, appId: "" } }, false],
      ["no namespace", { peer: { ...caller, namespace: "" } }, false],
    ],
  ),
];

const paths: readonly Case[] = [
  questions("path/exact", "a rule covers its path and what lies below", rules(["/public"]), [
    ["the path", {}, true],
    ["below", { method: "public/x/y" }, true],
    ["a longer name", { method: "publicx" }, false],
    ["a shorter name", { method: "publi" }, false],
    ["something else", { method: "admin" }, false],
    ["the root", { method: "" }, false],
  ]),
  questions("path/raw", "what looks like an escape is a plain name", rules(["/public"]), [
    ["an escaped slash", { method: "public%2Fx" }, false],
    ["a semicolon", { method: "public;x" }, false],
    ["a backslash", { method: "public\\x" }, false],
  ]),
  questions("path/star", "a star is the last segment", rules(["/op/*"]), [
    ["one segment", { method: "op/x" }, true],
    ["none", { method: "op" }, true],
    ["two", { method: "op/x/y" }, false],
  ]),
  questions("path/two-stars", "two stars are everything below", rules(["/op/**"]), [
    ["one segment", { method: "op/x" }, true],
    ["three", { method: "op/x/y/z" }, true],
    ["elsewhere", { method: "opx" }, false],
  ]),
  questions("path/case-http", "HTTP paths have no letter case", rules(["/Mixed"]), [
    ["as written", { method: "Mixed" }, true],
    ["lower", { method: "mixed" }, true],
    ["upper", { method: "MIXED" }, true],
  ]),
  questions("path/case-grpc", "gRPC methods have a letter case", rules(["/pkg.S/M"]), [
    ["as written", { method: "/pkg.S/M", verb: "", protocol: "grpc" }, true],
    ["lower", { method: "/pkg.s/M", verb: "", protocol: "grpc" }, false],
  ]),
];

const verbs: readonly Case[] = [
  questions("verb/listed", "listed verbs count", rules(["/public"], ["GET", "PUT"]), [
    ["GET", { verb: "GET" }, true],
    ["PUT", { verb: "PUT" }, true],
    ["POST", { verb: "POST" }, false],
    ["DELETE", { verb: "DELETE" }, false],
  ]),
  questions("verb/all", "a star is every verb", rules(["/public"]), [
    ["GET", { verb: "GET" }, true],
    ["PURGE", { verb: "PURGE" }, true],
  ]),
  questions("verb/none", "a rule without verbs is none for HTTP", rules(["/public"], []), [
    ["GET", { verb: "GET" }, false],
  ]),
  questions("verb/grpc", "verbs do not matter for gRPC", rules(["/public"], []), [
    ["no verb", { verb: "", protocol: "grpc" }, true],
  ]),
];

const conduct: readonly Case[] = [
  {
    id: "access/conduct/pure",
    title: "a decision changes nothing and is the same each time, with a reason",
    async run({ make }) {
      const policy = await make(rules(["/public"]));
      const asked = Object.freeze(request({ peer: Object.freeze({ ...caller }) }));
      const first = policy.decide(asked);
      assert.deepEqual(policy.decide(asked), first);
      assert.equal(typeof first.reason, "string");
      assert.ok(first.reason.length > 0);
    },
  },
  {
    id: "access/conduct/linear",
    title: "long paths are decided in time that grows with their length only",
    async run({ make }) {
      const policy = await make(rules(["/a*b*c*d*e/**", "/**/x/*"]));
      const startedAt = performance.now();
      for (const method of [
        "a/".repeat(10_000),
        "ab".repeat(524_288),
        `a${"bc".repeat(500_000)}`,
      ]) {
        policy.decide(request({ method }));
      }
      const elapsedMs = performance.now() - startedAt;
      assert.ok(elapsedMs < 1_000, `took ${elapsedMs} ms`);
    },
  },
];

/** What every access policy must decide, by Dapr's rules. */
export const accessCases: readonly Case[] = [...callers, ...paths, ...verbs, ...conduct];
