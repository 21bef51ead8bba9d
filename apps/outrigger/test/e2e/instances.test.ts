import { afterEach, beforeEach, expect, test } from "vitest";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";

let mesh: Mesh;
beforeEach(() => {
  mesh = new Mesh();
});
afterEach(() => mesh.close());

/** Starts an instance of `orders` whose app answers with the instance's name. */
async function instance(name: string): Promise<SidecarProcess> {
  const app = await mesh.app((_request, response) => response.end(name));
  return mesh.sidecar("orders", { appPort: app.port });
}

async function callOrders(caller: SidecarProcess): Promise<string> {
  const answer = await call(caller.httpPort, "POST", "/v1.0/invoke/orders/method/x", { body: "b" });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
  return answer.body;
}

async function shares(caller: SidecarProcess, calls: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let index = 0; index < calls; index++) {
    const name = await callOrders(caller);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Waits until the caller knows all instances. */
async function discover(caller: SidecarProcess, names: readonly string[]): Promise<void> {
  await waitFor(
    async () => {
      const seen = await shares(caller, names.length);
      return names.every((name) => seen[name] === 1);
    },
    `an even share of ${names.join(", ")}`,
  );
}

/** Calls without a pause from four lanes until told to stop; every failure is kept. */
function load(caller: SidecarProcess): {
  readonly failures: string[];
  readonly names: Set<string>;
  end(): Promise<number>;
} {
  let running = true;
  let done = 0;
  const failures: string[] = [];
  const names = new Set<string>();
  const lane = async (): Promise<void> => {
    while (running) {
      try {
        names.add(await callOrders(caller));
        done += 1;
      } catch (reason) {
        failures.push(String(reason));
      }
    }
  };
  const lanes = [lane(), lane(), lane(), lane()];
  return {
    failures,
    names,
    end: async () => {
      running = false;
      await Promise.all(lanes);
      return done;
    },
  };
}

test.for([2, 3])("%i instances share the calls exactly", async (count) => {
  const names = Array.from({ length: count }, (_, index) => `instance-${index}`);
  await Promise.all(names.map(instance));
  const caller = await mesh.sidecar("checkout");
  await discover(caller, names);
  const counts = await shares(caller, count * 20);
  expect(counts).toEqual(Object.fromEntries(names.map((name) => [name, 20])));
});

test("kill -9 of one of two instances under load loses no call", async () => {
  const victim = await instance("victim");
  await instance("survivor");
  const caller = await mesh.sidecar("checkout");
  await discover(caller, ["victim", "survivor"]);
  const traffic = load(caller);
  await waitFor(async () => traffic.names.size === 2, "calls to both");
  await victim.end("SIGKILL");
  traffic.names.clear();
  await waitFor(async () => traffic.names.has("survivor"), "calls after the kill");
  const done = await traffic.end();
  expect(traffic.failures).toEqual([]);
  expect(done).toBeGreaterThan(0);
  expect(await shares(caller, 10)).toEqual({ survivor: 10 });
});

test.for(["SIGTERM", "SIGKILL"] as const)(
  "three instances to one by %s lose no call",
  async (signal) => {
    const gone = [await instance("a"), await instance("b")];
    await instance("c");
    const caller = await mesh.sidecar("checkout");
    await discover(caller, ["a", "b", "c"]);
    const traffic = load(caller);
    await waitFor(async () => traffic.names.size === 3, "calls to all");
    await Promise.all(gone.map((sidecar) => sidecar.end(signal)));
    traffic.names.clear();
    await waitFor(async () => traffic.names.has("c"), "calls to the one that is left");
    await traffic.end();
    expect(traffic.failures).toEqual([]);
    expect(await shares(caller, 10)).toEqual({ c: 10 });
  },
);

test("new instances take their even share within 2 s", async () => {
  await instance("a");
  const caller = await mesh.sidecar("checkout");
  await discover(caller, ["a"]);
  await Promise.all([instance("b"), instance("c")]);
  const readyAt = Date.now();
  await discover(caller, ["a", "b", "c"]);
  expect(Date.now() - readyAt).toBeLessThan(2_000);
  expect(await shares(caller, 30)).toEqual({ a: 10, b: 10, c: 10 });
});
