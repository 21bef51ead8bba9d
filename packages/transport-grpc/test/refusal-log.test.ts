import type { Logger } from "@outrigger/core";
import { expect, test } from "vitest";
import { RefusalLog } from "../src/refusal-log.ts";

function refusals() {
  const lines: string[] = [];
  const clock = { now: 1_000_000 };
  const log: Logger = {
    enabled: () => true,
    log: (level, text) => lines.push(`${level} ${text}`),
    scope: () => log,
  };
  return { refusals: new RefusalLog(log, () => clock.now), lines, clock };
}

test("one peer and reason is told of once a minute, with the number of repeats", () => {
  const { refusals: told, lines, clock } = refusals();
  for (let count = 0; count < 4; count += 1) told.tell("peer", "refused peer", "expired");
  expect(lines).toEqual(["warn refused peer: expired"]);
  clock.now += 60_000;
  told.tell("peer", "refused peer", "expired");
  expect(lines[1]).toBe("warn refused peer: expired (and 3 times more since this was last told)");
});

test("another peer and another reason are told of at once", () => {
  const { refusals: told, lines } = refusals();
  told.tell("a", "refused a", "expired");
  told.tell("b", "refused b", "expired");
  told.tell("a", "refused a", "unknown authority");
  expect(lines).toHaveLength(3);
});

test("a clock that was set back silences nothing", () => {
  const { refusals: told, lines, clock } = refusals();
  told.tell("peer", "refused peer", "expired");
  clock.now -= 3_600_000;
  told.tell("peer", "refused peer", "expired");
  expect(lines).toHaveLength(2);
});

test("memory is bounded: the peer told of longest ago is told of again", () => {
  const { refusals: told, lines } = refusals();
  for (let peer = 0; peer < 1_100; peer += 1) told.tell(`${peer}`, "refused", "expired");
  told.tell("1099", "refused", "expired");
  expect(lines).toHaveLength(1_100);
  told.tell("0", "refused", "expired");
  expect(lines).toHaveLength(1_101);
});
