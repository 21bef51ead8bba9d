import assert from "node:assert/strict";
import { joinHostPort, type ResolveRequest } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { addresses, addressesOrNone, eventually, expectInstances, expectSoon } from "./expect.ts";
import { freshInstance, resolverFixture } from "./fixture.ts";
import { limitsOf, type ResolverSubject } from "./subject.ts";

const of = (appId: string) => resolverFixture.filter((one) => one.appId === appId);
const hasPeers = ({ peers }: ResolverSubject) => peers !== undefined;
const feedsBack = ({ resolver }: ResolverSubject) => resolver.report !== undefined;
const pairRequest: ResolveRequest = { appId: "pair", namespace: "default" };

/** Instances come, go, crash and move. */
export const changeCases: readonly ConformanceCase<ResolverSubject>[] = [
  {
    id: "resolver/change/added-instance-appears",
    title: "returns an instance that was added later, beside the first",
    appliesTo: hasPeers,
    async run(subject, signal) {
      const added = freshInstance("orders", 22_011);
      await expectInstances(subject.resolver, "orders", of("orders"), signal);
      await subject.peers?.add(added);
      const expected = [...of("orders"), added];
      await expectSoon(limitsOf(subject).appearsMs, subject.resolver, "orders", expected, signal);
    },
  },
  {
    id: "resolver/change/removed-instance-disappears",
    title: "stops returning an instance that was taken back",
    appliesTo: hasPeers,
    async run(subject, signal) {
      const { resolver, peers } = subject;
      const [gone, stays] = [freshInstance("leaver", 22_021), freshInstance("leaver", 22_022)];
      await peers?.add(gone);
      await peers?.add(stays);
      await expectSoon(limitsOf(subject).appearsMs, resolver, "leaver", [gone, stays], signal);
      await peers?.remove(gone);
      await expectSoon(limitsOf(subject).disappearsMs, resolver, "leaver", [stays], signal);
    },
  },
  {
    id: "resolver/change/crashed-instance-expires",
    title: "stops returning an instance that crashed, when its lifetime is over",
    appliesTo: ({ resolver, peers }) => resolver.features.expires && peers?.crash !== undefined,
    async run(subject, signal) {
      const { resolver, peers } = subject;
      const { appearsMs, expiresMs } = limitsOf(subject);
      const [gone, stays] = [freshInstance("crasher", 22_031), freshInstance("crasher", 22_032)];
      await peers?.add(gone);
      await peers?.add(stays);
      await expectSoon(appearsMs, resolver, "crasher", [gone, stays], signal);
      await peers?.crash?.(gone);
      await expectSoon(expiresMs, resolver, "crasher", [stays], signal);
    },
  },
  {
    id: "resolver/change/restart-on-new-port",
    title: "finds a restarted instance on its new port and forgets the old one",
    appliesTo: hasPeers,
    async run(subject, signal) {
      const { resolver, peers } = subject;
      const { appearsMs, disappearsMs } = limitsOf(subject);
      const [old, renewed] = [freshInstance("mover", 22_041), freshInstance("mover", 22_042)];
      await peers?.add(old);
      await expectSoon(appearsMs, resolver, "mover", [old], signal);
      await peers?.remove(old);
      await peers?.add(renewed);
      await expectSoon(appearsMs + disappearsMs, resolver, "mover", [renewed], signal);
    },
  },
  {
    id: "resolver/change/address-taken-over",
    title: "returns an address only for the app that registered it last",
    appliesTo: hasPeers,
    async run(subject, signal) {
      const { resolver, peers } = subject;
      const { appearsMs, disappearsMs } = limitsOf(subject);
      const [first, second] = [freshInstance("first", 22_051), freshInstance("second", 22_051)];
      await peers?.add(first);
      await expectSoon(appearsMs, resolver, "first", [first], signal);
      await peers?.remove(first);
      await peers?.add(second);
      await expectSoon(appearsMs, resolver, "second", [second], signal);
      await expectSoon(disappearsMs, resolver, "first", [], signal);
    },
  },
  {
    id: "resolver/change/clock-jump",
    title: "neither loses nor keeps anything because the wall clock jumps by an hour",
    appliesTo: ({ jumpClock, peers }) => jumpClock !== undefined && peers !== undefined,
    async run(subject, signal) {
      const { resolver, peers, jumpClock } = subject;
      const gone = freshInstance("pair", 22_061);
      await peers?.add(gone);
      await expectSoon(
        limitsOf(subject).appearsMs,
        resolver,
        "pair",
        [...of("pair"), gone],
        signal,
      );
      for (const hour of [3_600_000, -7_200_000, 3_600_000]) {
        jumpClock?.(hour);
        await expectInstances(resolver, "pair", [...of("pair"), gone], signal);
      }
      jumpClock?.(-3_600_000);
      await peers?.remove(gone);
      await expectSoon(limitsOf(subject).disappearsMs, resolver, "pair", of("pair"), signal);
    },
  },
  {
    id: "resolver/feedback/avoids-unreachable",
    title: "leaves out an endpoint that was reported unreachable while another is known",
    appliesTo: feedsBack,
    async run({ resolver }, signal) {
      const failed = (await resolver.resolve(pairRequest, signal))[0];
      assert.ok(failed);
      resolver.report?.(pairRequest, failed, "unreachable");
      const found = await addressesOrNone(resolver, "pair", signal);
      const failedAddress = joinHostPort(failed.host, failed.port);
      assert.deepEqual(
        found,
        addresses(...of("pair")).filter((address) => address !== failedAddress),
      );
    },
  },
  {
    id: "resolver/feedback/last-endpoint-stays",
    title: "still returns endpoints when all of them were reported unreachable",
    appliesTo: feedsBack,
    async run({ resolver }, signal) {
      for (const endpoint of await resolver.resolve(pairRequest, signal)) {
        resolver.report?.(pairRequest, endpoint, "unreachable");
      }
      const found = await addressesOrNone(resolver, "pair", signal);
      assert.ok(found.length > 0, "an app with instances is not unknown");
    },
  },
  {
    id: "resolver/feedback/retried-later",
    title: "returns a failed endpoint again, later or as soon as it was reached",
    appliesTo: feedsBack,
    async run(subject, signal) {
      const { resolver } = subject;
      const [one, other] = await resolver.resolve(pairRequest, signal);
      assert.ok(one && other);
      resolver.report?.(pairRequest, one, "unreachable");
      resolver.report?.(pairRequest, one, "reached");
      await expectInstances(resolver, "pair", of("pair"), signal);
      resolver.report?.(pairRequest, other, "unreachable");
      await eventually(
        limitsOf(subject).retriesMs,
        () => addressesOrNone(resolver, "pair", signal),
        (found) => found.length === of("pair").length,
        "the failed endpoint is tried again",
      );
    },
  },
];
