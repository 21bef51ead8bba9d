import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { serversOrSkip } from "@outrigger/test-servers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Avahi, avahiObstacle } from "./avahi.ts";
import { Lan, lanObstacle, type Machine, runOn } from "./lan.ts";
import { Lines } from "./lines.ts";

const pollMs = 100;
const [here, there, foreign] = ["10.99.0.1:50001", "10.99.0.2:50002", "10.99.0.3:50003"] as const;

function canRun(): boolean {
  if (serversOrSkip("avahi-daemon") === undefined) return false;
  const obstacle = lanObstacle() ?? avahiObstacle();
  if (obstacle === undefined) return true;
  if (process.env.CI === "true") throw new Error(obstacle);
  process.stderr.write(`SKIPPED: ${obstacle}\n`);
  return false;
}

describe.runIf(canRun())("three machines, one of them with Avahi", () => {
  let lan: Lan;
  let avahi: Avahi;
  let machines: readonly [Machine, Machine, Machine];
  let one: Lines;
  let two: Lines;

  beforeEach(async () => {
    lan = await Lan.open(3);
    machines = lan.machines as [Machine, Machine, Machine];
    [avahi, one, two] = await Promise.all([
      Avahi.start(machines[2], "machine-three"),
      startSidecar(machines[0]),
      startSidecar(machines[1]),
    ]);
    await one.ask("announce orders 10.99.0.1 50001");
    await two.ask("announce orders 10.99.0.2 50002");
  });

  afterEach(async () => {
    await Promise.all([one?.end("SIGKILL"), two?.end("SIGKILL"), avahi?.close()]);
    await lan?.close();
  });

  test("all find all, and who says goodbye is gone at once", async () => {
    const browser = await avahi.browse("orders");
    await browser.waitFor("new");
    await browser.waitFor("new");
    const publisher = await avahi.publish("orders", "machine-three:7", "machine-three", 50_003);
    await eventually(one, [here, there, foreign]);
    await eventually(two, [here, there, foreign]);

    await publisher.end("SIGTERM"); // Avahi takes its records back.
    await eventually(one, [here, there], 1_500);
    await two.ask("withdraw");
    await browser.waitFor("removed", 3_000);
    await eventually(one, [here], 1_500);
  });

  test("a foreign peer that was there first is found by the first look-up", async () => {
    await avahi.publish("payments", "machine-three:8", "machine-three", 50_003);
    expect(await one.ask("resolve payments")).toBe(foreign);
    expect(await one.ask("resolve unknown")).toBe("OTR_RESOLVE_NOT_FOUND");
  });

  test("crashed peers of both kinds expire", async () => {
    await avahi.publish("orders", "machine-three:7", "machine-three", 50_003);
    await eventually(one, [here, there, foreign]);
    await Promise.all([two.end("SIGKILL"), avahi.crash()]);
    await eventually(one, [here], 5_000);
  });

  test("a link that goes down and comes up again loses and finds the machine", async () => {
    await eventually(one, [here, there]);
    lan.setLink(machines[1], "down");
    await eventually(one, [here], 5_000);
    await eventually(two, [there], 5_000);
    lan.setLink(machines[1], "up");
    await eventually(one, [here, there], 5_000);
    await eventually(two, [here, there], 5_000);
  });
});

async function startSidecar(machine: Machine): Promise<Lines> {
  const script = join(import.meta.dirname, "sidecar-process.ts");
  const node = [process.execPath, "--conditions=@outrigger/source", script];
  const lines = new Lines(runOn(machine, node));
  await lines.waitFor("started");
  return lines;
}

async function eventually(
  sidecar: Lines,
  expected: readonly string[],
  withinMs = 4_000,
): Promise<void> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const answer = await sidecar.ask("resolve orders");
    if (answer === expected.join(" ")) return;
    if (performance.now() > endsAt) expect(answer).toBe(expected.join(" "));
    await sleep(pollMs);
  }
}
