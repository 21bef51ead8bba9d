import {
  createEndpointHealth,
  type Endpoint,
  EndpointCache,
  OutriggerError,
  roundRobin,
} from "@outrigger/core";
import { expect, test } from "vitest";
import { EndpointPicker } from "../src/invocation/endpoint-picker.ts";

const orders = { appId: "orders", namespace: "default" };
const call = { method: "m", metadata: [] };
const endpoints: readonly Endpoint[] = [1, 2, 3].map((port) => ({ host: "10.0.0.1", port }));
const live = new AbortController().signal;

/** What a resolver and the runtime are between them, with the apps' health and the clock in hand. */
function sidecar() {
  let time = 0;
  const down = new Set<number>();
  const health = createEndpointHealth({ now: () => time, retryAfterMs: 5_000 });
  const cache = new EndpointCache({
    lookup: async () => endpoints,
    now: () => time,
    freshMs: 60_000,
  });
  const picker = new EndpointPicker(roundRobin());

  /** One call with up to three attempts; returns the ports tried, the one that answered last. */
  async function invoke(): Promise<readonly number[]> {
    const tried: Endpoint[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      const usable = health.filter(await cache.get(orders, live));
      const endpoint = picker.pick(orders, usable, tried, call);
      tried.push(endpoint);
      const reached = !down.has(endpoint.port);
      health.report(endpoint, reached ? "reached" : "unreachable");
      if (reached) return tried.map(({ port }) => port);
    }
    throw new OutriggerError("nobody answers", { code: "OTR_PEER_UNAVAILABLE" });
  }

  return { down, invoke, pass: (ms: number) => (time += ms) };
}

async function answers(invoke: () => Promise<readonly number[]>, calls: number) {
  const counts: Record<number, number> = {};
  let failedAttempts = 0;
  for (let index = 0; index < calls; index++) {
    const tried = await invoke();
    failedAttempts += tried.length - 1;
    const port = tried.at(-1) ?? 0;
    counts[port] = (counts[port] ?? 0) + 1;
  }
  return { counts, failedAttempts };
}

test("a failing endpoint costs one attempt, is left out for a while, and is let back", async () => {
  const { down, invoke, pass } = sidecar();
  expect(await answers(invoke, 30)).toEqual({ counts: { 1: 10, 2: 10, 3: 10 }, failedAttempts: 0 });

  down.add(2);
  const during = await answers(invoke, 30);
  expect(during.failedAttempts).toBe(1);
  expect(during.counts).not.toHaveProperty("2");
  expect(Math.abs((during.counts[1] ?? 0) - (during.counts[3] ?? 0))).toBeLessThanOrEqual(2);

  pass(5_001); // Still down: asked once more, then left out again.
  expect((await answers(invoke, 30)).failedAttempts).toBe(1);

  down.clear();
  expect((await answers(invoke, 30)).counts).not.toHaveProperty("2");
  pass(5_001);
  expect(await answers(invoke, 30)).toEqual({ counts: { 1: 10, 2: 10, 3: 10 }, failedAttempts: 0 });
});

test("when every endpoint failed a moment ago, calls go on trying all of them", async () => {
  const { down, invoke } = sidecar();
  for (const { port } of endpoints) down.add(port);
  await expect(invoke()).rejects.toMatchObject({ code: "OTR_PEER_UNAVAILABLE" });
  down.delete(3);
  expect((await invoke()).at(-1)).toBe(3);
});
