import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { isOutriggerError } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { testContext } from "../context.ts";
import { eventually, withinTime } from "../resolver/expect.ts";
import { passThrough, requestOf, withMiddleware } from "./bench.ts";
import type { MiddlewareSubject } from "./subject.ts";

const stopMs = 2_000;
const startMs = 5_000;

/** What an earlier case left behind ends by itself; counted as ours, it would hide a leak. */
async function fewestHandles(): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < 5; sample++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    fewest = Math.min(fewest, process.getActiveResourcesInfo().length);
  }
  return fewest;
}

/** Options, start and stop. */
export const lifecycleCases: readonly ConformanceCase<MiddlewareSubject>[] = [
  {
    id: "middleware/options/rejects-malformed",
    title: "throws OTR_OPTIONS_INVALID for malformed options before it is started",
    appliesTo: ({ malformedOptions = [] }) => malformedOptions.length > 0,
    async run({ malformedOptions = [] }) {
      for (const configure of malformedOptions) {
        assert.throws(configure, (reason) => isOutriggerError(reason, "OTR_OPTIONS_INVALID"));
      }
    },
  },
  {
    id: "middleware/lifecycle/name",
    title: "has a name for logs",
    async run({ create }) {
      const { name } = create(testContext());
      assert.match(name, /^\S{1,200}$/);
    },
  },
  {
    id: "middleware/lifecycle/independent",
    title: "two of the same options share nothing: one goes on when the other stops",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (first) => {
        await withMiddleware(subject, signal, async (second) => {
          await passThrough(second, requestOf(subject));
        });
        const { response } = await passThrough(first, requestOf(subject));
        assert.equal(response.status, 200);
      }),
  },
  {
    id: "middleware/lifecycle/start-idempotent",
    title: "starts twice without harm, in time",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        await withinTime(startMs, "the second start()", async () => component.start?.(signal));
        await passThrough(component, requestOf(subject));
      }),
  },
  {
    id: "middleware/lifecycle/start-abandoned",
    title: "a start that is abandoned ends in time, and can be stopped",
    async run({ create }) {
      const component = create(testContext());
      const abandoned = AbortSignal.abort(new Error("abandoned"));
      await withinTime(stopMs, "an abandoned start()", async () => {
        await component.start?.(abandoned).catch(() => undefined);
      });
      await withinTime(stopMs, "stop()", async () => component.stop?.());
    },
  },
  {
    id: "middleware/lifecycle/stop-idempotent",
    title: "stops in time, twice, concurrently, and without having been started",
    run: (subject, signal) =>
      withMiddleware(subject, signal, async (component) => {
        await passThrough(component, requestOf(subject));
        await withinTime(stopMs, "stop()", async () => {
          await Promise.all([component.stop?.(), component.stop?.()]);
          await component.stop?.();
          await subject.create(testContext()).stop?.();
        });
      }),
  },
  {
    id: "middleware/lifecycle/no-leaks",
    title: "leaves no timer, socket or listener behind, however many requests it saw",
    async run(subject) {
      // A signal of its own: listeners of the runner do not count.
      const { signal } = new AbortController();
      const before = await fewestHandles();
      await withMiddleware(subject, signal, async (component) => {
        for (let count = 0; count < 200; count++) {
          await passThrough(component, requestOf(subject));
        }
      });
      assert.equal(getEventListeners(signal, "abort").length, 0, "listeners on the signal");
      await eventually(
        stopMs,
        () => process.getActiveResourcesInfo(),
        (resources) => resources.length <= before,
        `handles after stop() are as many as before (${before})`,
      );
    },
  },
];
