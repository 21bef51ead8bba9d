import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { isOutriggerError } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import {
  addressesOrNone,
  eventually,
  expectInstances,
  failureOf,
  withinTime,
  withResolver,
} from "./expect.ts";
import { resolverFixture } from "./fixture.ts";
import { limitsOf, type ResolverSubject } from "./subject.ts";

const stopMs = 2_000;
const orders = resolverFixture.filter(({ appId }) => appId === "orders");

/** What an earlier case left behind ends by itself; counted as ours, it would hide a leak. */
async function fewestHandles(): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < 10; sample++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    fewest = Math.min(fewest, process.getActiveResourcesInfo().length);
  }
  return fewest;
}

/** Start, stop, and a backend that is away. */
export const lifecycleCases: readonly ConformanceCase<ResolverSubject>[] = [
  {
    id: "resolver/options/rejects-malformed",
    title: "throws OTR_OPTIONS_INVALID for a malformed configuration before it is started",
    appliesTo: ({ malformedConfigurations = [] }) => malformedConfigurations.length > 0,
    async run({ malformedConfigurations = [] }) {
      for (const configure of malformedConfigurations) {
        assert.throws(configure, (reason) => isOutriggerError(reason, "OTR_OPTIONS_INVALID"));
      }
    },
  },
  {
    id: "resolver/lifecycle/start-idempotent",
    title: "starts twice without harm",
    appliesTo: ({ create }) => create !== undefined,
    run: ({ resolver, create }, signal) =>
      withResolver(create?.() ?? resolver, signal, async (second) => {
        await second.start?.(signal);
        await expectInstances(second, "orders", orders, signal);
      }),
  },
  {
    id: "resolver/lifecycle/stop-idempotent",
    title: "stops in time, twice and concurrently, and rejects look-ups afterwards",
    async run({ resolver }, signal) {
      await expectInstances(resolver, "orders", orders, signal);
      await withinTime(stopMs, "stop()", async () => {
        await Promise.all([resolver.stop?.(), resolver.stop?.()]);
        await resolver.stop?.();
      });
      const request = { appId: "orders", namespace: "default" };
      const reason = await failureOf(resolver.resolve(request, signal));
      assert.ok(isOutriggerError(reason, "OTR_STOPPED"), String(reason));
    },
  },
  {
    id: "resolver/lifecycle/stop-ends-lookups",
    title: "rejects look-ups that are under way when it stops",
    async run({ resolver }, signal) {
      const request = { appId: "nobody-before-stop", namespace: "default" };
      const pending = failureOf(resolver.resolve(request, signal));
      await resolver.stop?.();
      await withinTime(500, "the look-up under way", async () => {
        const reason = await pending;
        assert.ok(isOutriggerError(reason), String(reason));
      });
    },
  },
  {
    id: "resolver/lifecycle/no-leaks",
    title: "leaves no timer, socket or listener behind",
    appliesTo: ({ create }) => create !== undefined,
    async run({ create }) {
      // A signal of its own: listeners of the runner do not count.
      const { signal } = new AbortController();
      const before = await fewestHandles();
      assert.ok(create);
      await withResolver(create(), signal, async (resolver) => {
        await expectInstances(resolver, "orders", orders, signal);
        const during = process.getActiveResourcesInfo().length;
        for (let cycle = 0; cycle < 1_000; cycle++) {
          await resolver.resolve({ appId: "orders", namespace: "default" }, signal);
        }
        await eventually(
          stopMs,
          () => process.getActiveResourcesInfo().length,
          (count) => count <= during,
          "handles after 1000 look-ups",
        );
        assert.equal(getEventListeners(signal, "abort").length, 0, "listeners on the signal");
      });
      await eventually(
        stopMs,
        () => process.getActiveResourcesInfo(),
        (resources) => resources.length <= before,
        `handles after stop() are as many as before (${before})`,
      );
    },
  },
  {
    id: "resolver/backend/unreachable",
    title: "fails in time with an error of the contract when the backend is out of reach",
    appliesTo: ({ createUnreachable }) => createUnreachable !== undefined,
    async run(subject, signal) {
      const resolver = subject.createUnreachable?.();
      assert.ok(resolver);
      try {
        await withinTime(limitsOf(subject).unknownMs, "the failure", async () => {
          const reason = await failureOf(
            (async () => {
              await resolver.start?.(signal);
              await resolver.resolve({ appId: "orders", namespace: "default" }, signal);
            })(),
          );
          assert.ok(isOutriggerError(reason), String(reason));
          assert.notEqual(reason.code, "OTR_RESOLVE_NOT_FOUND", "nobody could be asked");
        });
      } finally {
        await withinTime(stopMs, "stop() after a failed start", async () => resolver.stop?.());
      }
    },
  },
  {
    id: "resolver/backend/recovers",
    title: "resolves again, without a restart, when the backend is back",
    appliesTo: ({ backend, peers }) => backend !== undefined && peers !== undefined,
    async run(subject, signal) {
      const [instance] = orders;
      assert.ok(instance);
      await subject.backend?.interrupt();
      await subject.backend?.restore();
      await subject.peers?.add(instance);
      await eventually(
        limitsOf(subject).recoversMs,
        () => addressesOrNone(subject.resolver, "orders", signal).catch(() => []),
        (found) => found.length === 1,
        "the app after the backend came back",
      );
    },
  },
];
