import assert from "node:assert/strict";
import { type Instance, isOutriggerError, type Resolver } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import {
  addressesOrNone,
  expectInstances,
  expectNotFound,
  expectSoon,
  failureOf,
  withResolver,
} from "./expect.ts";
import { freshInstance, resolverFixture } from "./fixture.ts";
import { limitsOf, type ResolverSubject } from "./subject.ts";

const announces = ({ resolver, create }: ResolverSubject) =>
  resolver.features.announces && create !== undefined;

function announcer({ create }: ResolverSubject): Resolver {
  assert.ok(create, "an announcing resolver needs create()");
  return create();
}

async function announce(resolver: Resolver, instance: Instance, signal: AbortSignal) {
  assert.ok(resolver.announce, "features.announces promises announce()");
  await resolver.announce(instance, signal);
}

/** The resolver registers its own sidecar. */
export const announceCases: readonly ConformanceCase<ResolverSubject>[] = [
  {
    id: "resolver/announce/own-id",
    title: "resolves its own app right after it was announced",
    appliesTo: announces,
    run: (subject, signal) =>
      withResolver(announcer(subject), signal, async (resolver) => {
        const own = freshInstance("own", 22_101);
        await announce(resolver, own, signal);
        await expectSoon(limitsOf(subject).appearsMs, resolver, "own", [own], signal);
      }),
  },
  {
    id: "resolver/announce/found-by-others",
    title: "is found by another resolver, and finds what others announced",
    appliesTo: announces,
    run: (subject, signal) =>
      withResolver(announcer(subject), signal, async (resolver) => {
        const own = freshInstance("own", 22_111);
        await announce(resolver, own, signal);
        await expectSoon(limitsOf(subject).appearsMs, subject.resolver, "own", [own], signal);
        const orders = resolverFixture.filter(({ appId }) => appId === "orders");
        await expectInstances(resolver, "orders", orders, signal);
      }),
  },
  {
    id: "resolver/announce/rejects-incomplete",
    title: "rejects an instance without app id, host or port, names the field, registers nothing",
    appliesTo: announces,
    run: (subject, signal) =>
      withResolver(announcer(subject), signal, async (resolver) => {
        const wrong: readonly [string, Partial<Instance>][] = [
          ["appId", { appId: "" }],
          ["host", { host: "" }],
          ["internalPort", { internalPort: 0 }],
          ["internalPort", { internalPort: 65_536 }],
        ];
        for (const [field, overrides] of wrong) {
          const instance = freshInstance("incomplete", 22_121, overrides);
          const reason = await failureOf(announce(resolver, instance, signal));
          assert.ok(isOutriggerError(reason, "OTR_OPTIONS_INVALID"), String(reason));
          assert.ok(reason.message.includes(field), `${field} is named in: ${reason.message}`);
        }
        await expectNotFound(subject.resolver, "incomplete", signal);
      }),
  },
  {
    id: "resolver/announce/twice-rejects",
    title: "rejects a second announcement of the same app and port, and keeps the first",
    appliesTo: announces,
    run: (subject, signal) =>
      withResolver(announcer(subject), signal, async (resolver) => {
        const own = freshInstance("own", 22_131);
        await announce(resolver, own, signal);
        const reason = await failureOf(announce(resolver, own, signal));
        assert.ok(isOutriggerError(reason), String(reason));
        assert.match(reason.message, /already registered/);
        await expectSoon(limitsOf(subject).appearsMs, subject.resolver, "own", [own], signal);
      }),
  },
  {
    id: "resolver/announce/withdraw",
    title: "takes its announcement back, twice without harm, and goes on resolving",
    appliesTo: announces,
    run: (subject, signal) =>
      withResolver(announcer(subject), signal, async (resolver) => {
        const { appearsMs, disappearsMs } = limitsOf(subject);
        const own = freshInstance("own", 22_141);
        await announce(resolver, own, signal);
        await expectSoon(appearsMs, subject.resolver, "own", [own], signal);
        await resolver.withdraw?.();
        await resolver.withdraw?.();
        await expectSoon(disappearsMs, resolver, "own", [], signal);
        await expectSoon(disappearsMs, subject.resolver, "own", [], signal);
        const orders = await addressesOrNone(resolver, "orders", signal);
        assert.equal(orders.length, 1, "a withdrawn resolver still resolves");
      }),
  },
  {
    id: "resolver/announce/gone-after-stop",
    title: "is no longer found after it was stopped",
    appliesTo: announces,
    async run(subject, signal) {
      const { appearsMs, disappearsMs } = limitsOf(subject);
      const own = freshInstance("own", 22_151);
      await withResolver(announcer(subject), signal, async (resolver) => {
        await announce(resolver, own, signal);
        await expectSoon(appearsMs, subject.resolver, "own", [own], signal);
      });
      await expectSoon(disappearsMs, subject.resolver, "own", [], signal);
    },
  },
  {
    id: "resolver/announce/survives-backend-restart",
    title: "registers again by itself after the backend lost everything",
    appliesTo: (subject) => announces(subject) && subject.backend !== undefined,
    run: (subject, signal) =>
      withResolver(announcer(subject), signal, async (resolver) => {
        const own = freshInstance("own", 22_161);
        await announce(resolver, own, signal);
        await subject.backend?.interrupt();
        await subject.backend?.restore();
        await expectSoon(limitsOf(subject).recoversMs, subject.resolver, "own", [own], signal);
      }),
  },
];
