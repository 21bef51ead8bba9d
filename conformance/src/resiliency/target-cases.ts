import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { PolicyBench } from "./bench.ts";
import { expectAttempts, expectCount, expectFailure } from "./expect.ts";
import type { ResiliencyResource, ResiliencySubject } from "./subject.ts";

const twice = { duration: "10ms", maxRetries: 2 };
const failing = { outcomes: [500] } as const;
const urls = ["http://127.0.0.1:8080", "https://example.com"] as const;

/** Which policy a call gets. */
export const targetCases: readonly ConformanceCase<ResiliencySubject>[] = [
  {
    id: "resiliency/target/nothing-loaded",
    title: "without resources nothing is done to any call, and no target has an entry",
    async run(subject) {
      const bench = await PolicyBench.of(subject);
      for (const target of ["orders", "orders.other", urls[0]]) {
        assert.equal(bench.resiliency.policyFor(target, `${target}:m`), undefined);
        assert.equal(bench.resiliency.hasTarget(target), false);
      }
    },
  },
  {
    id: "resiliency/target/own-entry",
    title: "an entry of a target applies the policies that it names, and says that it is there",
    async run(subject) {
      const bench = await PolicyBench.of(subject, {
        name: "own",
        retries: { twice },
        timeouts: { short: "100ms" },
        apps: { orders: { retry: "twice" }, billing: { timeout: "short" } },
      });
      expectCount(await bench.call(failing), 3, "attempts at orders");
      const billing = { target: "billing", outcomes: ["hangs"] } as const;
      expectFailure(await bench.call(billing), "OTR_TIMEOUT");
      assert.equal(bench.resiliency.hasTarget("orders"), true);
      assert.equal(bench.resiliency.hasTarget("billing"), true);
      assert.equal(bench.resiliency.hasTarget("stock"), false);
    },
  },
  {
    id: "resiliency/target/no-fallback",
    title:
      "what an entry leaves out is off: default policies do not fill it, not even an empty one",
    async run(subject) {
      const bench = await PolicyBench.of(subject, {
        name: "empty",
        retries: { DefaultAppRetryPolicy: twice, DefaultRetryPolicy: twice },
        timeouts: { long: "30s" },
        apps: { orders: {}, billing: { timeout: "long" } },
      });
      expectCount(await bench.call(failing), 1, "attempts at orders");
      expectCount(await bench.call({ ...failing, target: "billing" }), 1, "attempts at billing");
      assert.equal(bench.resiliency.hasTarget("orders"), true);
    },
  },
  {
    id: "resiliency/target/exact",
    title: "a target is compared as the caller wrote it: namespace and letter case count",
    async run(subject) {
      const bench = await PolicyBench.of(subject, {
        name: "exact",
        retries: { twice },
        apps: { orders: { retry: "twice" }, "stock.other": { retry: "twice" } },
      });
      expectCount(await bench.call({ ...failing, target: "stock.other" }), 3, "stock.other");
      for (const target of ["orders.other", "Orders", "stock", "order"]) {
        expectCount(await bench.call({ ...failing, target }), 1, target);
        assert.equal(bench.resiliency.hasTarget(target), false, target);
      }
    },
  },
  {
    id: "resiliency/target/endpoints",
    title: "names of endpoints and URLs are targets like app ids",
    async run(subject) {
      const bench = await PolicyBench.of(subject, {
        name: "urls",
        retries: { twice },
        apps: { [urls[0]]: { retry: "twice" } },
      });
      expectCount(await bench.call({ ...failing, target: urls[0] }), 3, urls[0]);
      expectCount(await bench.call({ ...failing, target: urls[1] }), 1, urls[1]);
    },
  },
  {
    id: "resiliency/target/unknown-policy",
    title: "a name of no policy stands for none, and the entry counts all the same",
    async run(subject) {
      const apps = { orders: { retry: "nobody", timeout: "nobody", circuitBreaker: "nobody" } };
      const retries = { DefaultAppRetryPolicy: twice };
      const bench = await PolicyBench.of(subject, { name: "unknown", retries, apps });
      assert.deepEqual(bench.problems, []);
      expectCount(await bench.call(failing), 1);
      assert.equal(bench.resiliency.hasTarget("orders"), true);
    },
  },
  {
    id: "resiliency/default/every-target",
    title: "default policies apply to every target without an entry, which stays one without",
    async run(subject) {
      const retries = { DefaultAppRetryPolicy: twice };
      const bench = await PolicyBench.of(subject, { name: "defaults", retries });
      for (const target of ["orders", "orders.other", urls[1]]) {
        expectCount(await bench.call({ ...failing, target }), 3, target);
        assert.equal(bench.resiliency.hasTarget(target), false, target);
      }
    },
  },
  {
    id: "resiliency/default/precedence",
    title: "the default for apps goes before the general one, for each kind by itself",
    async run(subject) {
      const bench = await PolicyBench.of(subject, {
        name: "both",
        retries: {
          DefaultRetryPolicy: { duration: "1ms", maxRetries: 5 },
          DefaultAppRetryPolicy: { duration: "10ms", maxRetries: 1 },
        },
        timeouts: { DefaultTimeoutPolicy: "100ms" },
      });
      const record = await bench.call({ outcomes: ["hangs"] });
      expectAttempts(record, [0, 110]);
      expectFailure(record, "OTR_TIMEOUT");
    },
  },
  {
    id: "resiliency/default/reserved-names-only",
    title: "names that only look like defaults are ordinary names",
    async run(subject) {
      const bench = await PolicyBench.of(subject, {
        name: "ordinary",
        retries: { DefaultRetry: twice, defaultretrypolicy: twice, DefaultAppRetry: twice },
        circuitBreakers: { DefaultCircuitBreaker: { trip: "consecutiveFailures >= 1" } },
      });
      for (const record of await bench.calls(3, failing)) expectCount(record, 1);
    },
  },
  {
    id: "resiliency/merge/last-wins",
    title:
      "of two definitions of a name the later one counts as a whole; targets see all resources",
    async run(subject) {
      const first: ResiliencyResource = {
        name: "first",
        retries: { shared: { duration: "10ms", maxRetries: 5 }, other: twice },
        apps: { orders: { retry: "shared" } },
      };
      const second: ResiliencyResource = {
        name: "second",
        retries: { shared: { maxRetries: 1 } },
        apps: { billing: { retry: "other" } },
      };
      const bench = await PolicyBench.of(subject, first, second);
      // The pause is the default of the later one, and not the earlier one's.
      expectAttempts(await bench.call(failing), [0, 5_000]);
      expectCount(await bench.call({ ...failing, target: "billing" }), 3);
    },
  },
  {
    id: "resiliency/merge/broken-resource",
    title: "a resource with a mistake is left out as a whole, with a line; the others count",
    async run(subject) {
      const broken: ResiliencyResource = {
        name: "broken-one",
        retries: { twice: { maxRetries: 7, duration: "1ms" } },
        timeouts: { bad: "1d" },
        apps: { billing: { retry: "twice" } },
      };
      const good: ResiliencyResource = {
        name: "good",
        retries: { twice },
        apps: { orders: { retry: "twice" } },
      };
      const bench = await PolicyBench.of(subject, good, broken);
      assert.equal(bench.problems.length, 1);
      assert.match(`${bench.problems[0]}`, /Could not read resiliency policy broken-one/);
      expectCount(await bench.call(failing), 3, "attempts at orders");
      expectCount(await bench.call({ ...failing, target: "billing" }), 1, "attempts at billing");
    },
  },
  {
    id: "resiliency/built-in/replaced",
    title: "DaprBuiltInServiceRetries replaces the runtime's own retries",
    appliesTo: ({ features }) => features?.builtIns !== false,
    async run(subject) {
      const retries = { DaprBuiltInServiceRetries: { duration: "2s", maxRetries: 10 } };
      const { resiliency } = await PolicyBench.of(subject, { name: "built-in", retries });
      assert.equal(resiliency.builtInRetry?.retries, 10);
      assert.equal(resiliency.builtInRetry?.delayMs, 2_000);
      assert.equal(resiliency.policyFor("orders", "orders:m"), undefined);
    },
  },
  {
    id: "resiliency/built-in/three-at-least",
    title: "the runtime's own retries cannot be fewer than three, nor without end",
    appliesTo: ({ features }) => features?.builtIns !== false,
    async run(subject) {
      for (const rule of [{ maxRetries: 1 }, { maxRetries: -1 }, {}, { maxRetries: 0 }]) {
        const retries = { DaprBuiltInServiceRetries: { duration: "2s", ...rule } };
        const { resiliency } = await PolicyBench.of(subject, { name: "built-in", retries });
        assert.equal(resiliency.builtInRetry?.retries, 3, JSON.stringify(rule));
      }
    },
  },
  {
    id: "resiliency/built-in/protected",
    title: "DaprBuiltInActorNotFoundRetries cannot be replaced, not even for who names it",
    appliesTo: ({ features }) => features?.builtIns !== false,
    async run(subject) {
      const name = "DaprBuiltInActorNotFoundRetries";
      const bench = await PolicyBench.of(subject, {
        name: "protected",
        retries: { [name]: { duration: "1ms", maxRetries: 9 } },
        apps: { orders: { retry: name } },
      });
      expectAttempts(await bench.call(failing), [0, 1_000, 2_000, 3_000, 4_000, 5_000]);
    },
  },
  {
    id: "resiliency/built-in/named",
    title: "a target may name the built-in retries, without any definition of them",
    appliesTo: ({ features }) => features?.builtIns !== false,
    async run(subject) {
      const apps = { orders: { retry: "DaprBuiltInServiceRetries" } };
      const bench = await PolicyBench.of(subject, { name: "named", apps });
      expectAttempts(await bench.call(failing), [0, 1_000, 2_000, 3_000]);
    },
  },
];
