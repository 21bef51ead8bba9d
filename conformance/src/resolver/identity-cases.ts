import assert from "node:assert/strict";
import { isOutriggerError } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { addresses, addressesOf, addressesOrNone, expectInstances, expectSoon } from "./expect.ts";
import { freshInstance, resolverFixture } from "./fixture.ts";
import { limitsOf, type ResolverSubject } from "./subject.ts";

const of = (appId: string, namespace = "default") =>
  resolverFixture.filter((one) => one.appId === appId && one.namespace === namespace);

/** Ids that no fixture has and that resemble something a resolver may treat specially. */
const unusualIds: readonly string[] = [
  "",
  " ",
  "my app",
  "orders.default.svc",
  "orders..default",
  ".orders",
  "%6frders",
  "orders/",
  "../orders",
  "*",
  "order?",
  "über-app",
  "toString",
  "__proto__",
  "orders\0",
  "orders\r\nx",
  "ORDERS",
  "o".repeat(64),
  "o".repeat(300),
];

/** Which app is meant: ids, namespaces, kinds of address. */
export const identityCases: readonly ConformanceCase<ResolverSubject>[] = [
  {
    id: "resolver/id/exact-match",
    title: "compares ids byte for byte: no case folding, no suffix or separator matches",
    async run({ resolver }, signal) {
      const appIds = ["a", "A", "app", "my-app", "my_app"];
      const long = resolverFixture.map(({ appId }) => appId).filter(({ length }) => length > 30);
      await Promise.all(
        [...appIds, ...long].map((appId) => expectInstances(resolver, appId, of(appId), signal)),
      );
    },
  },
  {
    id: "resolver/id/unusual",
    title: "rejects unusual ids with an error of the contract, never with another app's endpoint",
    async run({ resolver }, signal) {
      await Promise.all(
        unusualIds.map(async (appId) => {
          const outcome = await addressesOf(resolver, appId, signal).catch(
            (reason: unknown) => reason,
          );
          const name = JSON.stringify(appId);
          assert.ok(!Array.isArray(outcome), `${name} resolved to ${String(outcome)}`);
          assert.ok(isOutriggerError(outcome), `${name} failed with ${String(outcome)}`);
        }),
      );
      await expectInstances(resolver, "orders", of("orders"), signal);
    },
  },
  {
    id: "resolver/namespace/isolation",
    title: "does not answer with an instance of another namespace",
    appliesTo: ({ resolver }) => resolver.features.namespaces,
    async run({ resolver }, signal) {
      await expectInstances(resolver, "shared", of("shared"), signal);
      await expectInstances(resolver, "shared", of("shared", "other"), signal, "other");
      assert.deepEqual(await addressesOrNone(resolver, "shared", signal, "third"), []);
    },
  },
  {
    id: "resolver/namespace/ignored",
    title: "answers with the instances of all namespaces, as it claims no namespaces",
    appliesTo: ({ resolver }) => !resolver.features.namespaces,
    async run({ resolver }, signal) {
      const all = addresses(...resolverFixture.filter(({ appId }) => appId === "shared"));
      assert.deepEqual(await addressesOf(resolver, "shared", signal), all);
      assert.deepEqual(await addressesOf(resolver, "shared", signal, "other"), all);
    },
  },
  {
    id: "resolver/namespace/empty",
    title: "treats an empty namespace like the default one, not like a wildcard",
    appliesTo: ({ resolver }) => resolver.features.namespaces,
    async run({ resolver }, signal) {
      const found = await addressesOrNone(resolver, "shared", signal, "");
      assert.deepEqual(found, addresses(...of("shared")));
    },
  },
  {
    id: "resolver/address/ipv6",
    title: "returns an IPv6 address without brackets",
    appliesTo: ({ unsupportedHosts = [] }) => !unsupportedHosts.includes("ipv6"),
    async run({ resolver }, signal) {
      const found = await resolver.resolve({ appId: "six", namespace: "default" }, signal);
      assert.deepEqual(
        found.map(({ host, port }) => ({ host, port })),
        [{ host: "::1", port: 21_051 }],
      );
    },
  },
  {
    id: "resolver/address/host-name",
    title: "keeps the other instances usable when one has a host name that nobody knows",
    appliesTo: ({ peers, unsupportedHosts = [] }) =>
      peers !== undefined && !unsupportedHosts.includes("name"),
    async run(subject, signal) {
      const { resolver, peers } = subject;
      const named = freshInstance("named", 22_201, { host: "nobody.invalid" });
      const plain = freshInstance("named", 22_202);
      await peers?.add(named);
      await peers?.add(plain);
      const found = await addressesOf(resolver, "named", signal);
      const [plainAddress] = addresses(plain);
      assert.ok(found.includes(plainAddress ?? ""), `the usable instance is in ${found.join()}`);
      const strangers = found.filter((one) => !addresses(named, plain).includes(one));
      assert.deepEqual(strangers, [], "host names are returned as host:port or left out");
    },
  },
  {
    id: "resolver/backend/malformed-data",
    title: "skips an instance whose data cannot be used and returns the others",
    appliesTo: ({ peers }) => peers?.addMalformed !== undefined,
    async run(subject, signal) {
      await subject.peers?.addMalformed?.("orders");
      const { appearsMs } = limitsOf(subject);
      await expectSoon(appearsMs, subject.resolver, "orders", of("orders"), signal);
      await subject.peers?.addMalformed?.("only-malformed");
      assert.deepEqual(await addressesOrNone(subject.resolver, "only-malformed", signal), []);
    },
  },
];
