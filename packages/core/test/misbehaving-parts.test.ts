import {
  type AppChannel,
  AppHealth,
  createRuntime,
  type Ingress,
  type Runtime,
  type Sidecar,
  silentLogger,
} from "@outrigger/core";
import { afterEach, expect, test, vi } from "vitest";
import { answer, ListResolver, ScriptedTransport } from "./fakes.ts";

const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));
const running: Runtime[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const runtime of running.splice(0)) await runtime.stop({ drainMs: 0 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled.splice(0)).toEqual([]);
});

function channel(parts: Partial<AppChannel>): AppChannel {
  return { name: "app-test", protocol: "http", deliver: async () => answer("ok"), ...parts };
}

function ingress(parts: Partial<Ingress>): Ingress {
  return { name: "ingress-test", addresses: () => [], drain: async () => undefined, ...parts };
}

test("a greeting that fails harms nothing", async () => {
  let greetings = 0;
  // No vi.fn: it would handle the rejection.
  const greet = async (): Promise<void> => {
    greetings += 1;
    throw new Error("no greeting");
  };
  const transport = new ScriptedTransport();
  const runtime = await createRuntime({
    appId: "orders",
    transport: () => transport,
    appChannel: () => channel({ greet }),
  });
  running.push(runtime);
  await runtime.whenReady();
  expect(greetings).toBe(1);
});

test("a probe that throws counts as failed, and probing goes on", async () => {
  const life = new AbortController();
  const settings = { path: "/", intervalMs: 1, timeoutMs: 1, threshold: 1 };
  const health = new AppHealth(settings, silentLogger);
  const results = [true, undefined, true];
  const seen: boolean[] = [];
  const probe = async (): Promise<boolean> => {
    seen.push(health.healthy);
    if (seen.length > 3) life.abort();
    const result = results.shift();
    if (result === undefined) throw new Error("probe broke");
    return result;
  };
  await health.watch(channel({ probe }), () => undefined, life.signal).catch(() => undefined);
  expect(seen).toEqual([false, true, false, true]);
});

test("a stop during start-up leaves no ingress open", async () => {
  const open = new Set<string>();
  let sidecar: Sidecar | undefined;
  let finishStart: () => void = () => undefined;
  const starting = new Promise<void>((resolve) => {
    finishStart = resolve;
  });
  const transport = new ScriptedTransport();
  const created = createRuntime({
    appId: "orders",
    transport: () => transport,
    ingresses: [
      (_context, given) => {
        sidecar = given;
        return ingress({
          start: async () => {
            await starting;
            open.add("late");
          },
          stop: async () => {
            open.delete("late");
          },
        });
      },
    ],
  });
  await vi.waitFor(() => expect(transport.journal).toContain("transport listen"));
  sidecar?.requestShutdown(true);
  await vi.waitFor(() => expect(transport.journal).toContain("transport stop"));
  finishStart();
  await expect(created).rejects.toMatchObject({ code: "OTR_STOPPED" });
  expect(open.size).toBe(0);
});

test("a registry that never answers does not hold up the stop", async () => {
  vi.useFakeTimers();
  const resolver = new ListResolver([]);
  let attempts = 0;
  resolver.announce = () => {
    attempts += 1;
    return attempts === 1 ? Promise.reject(new Error("away")) : new Promise(() => undefined);
  };
  const runtime = await createRuntime({
    appId: "orders",
    transport: () => new ScriptedTransport(),
    resolver: () => resolver,
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(attempts).toBe(2);
  const stopped = vi.fn();
  void runtime.stop({ drainMs: 0 }).then(stopped);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(stopped).toHaveBeenCalledOnce();
});

test("a drain of more than 24 days is not cut off at once", async () => {
  vi.useFakeTimers();
  const transport = new ScriptedTransport();
  let finish: () => void = () => undefined;
  transport.drainWork = new Promise((resolve) => {
    finish = resolve;
  });
  const runtime = await createRuntime({ appId: "orders", transport: () => transport });
  const stopped = runtime.stop({ drainMs: 3_000_000_000 });
  await vi.advanceTimersByTimeAsync(60_000);
  finish();
  expect(await stopped).toEqual({ drained: true });
});
