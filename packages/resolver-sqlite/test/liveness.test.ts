import { expect, test } from "vitest";
import { Liveness } from "../src/liveness.ts";

const lifeMs = 5_000;

function clocks(startSeconds = 1_000_000) {
  let steady = 0;
  let wall = startSeconds * 1_000;
  const liveness = new Liveness(
    () => wall,
    () => steady,
    lifeMs,
  );
  return {
    liveness,
    pass(ms: number) {
      steady += ms;
      wall += ms;
    },
    jump(ms: number) {
      wall += ms;
    },
  };
}

test("a registration lives for its time, like in Dapr", () => {
  const { liveness, pass } = clocks();
  const written = liveness.nowSeconds();
  pass(4_999);
  expect(liveness.test()(written)).toBe(true);
  pass(1);
  expect(liveness.test()(written)).toBe(false);
});

test.each([3_600_000, -3_600_000])("a jump of %i ms ends nothing that is renewed", (byMs) => {
  const { liveness, pass, jump } = clocks();
  const written = liveness.nowSeconds();
  pass(1_000);
  jump(byMs);
  expect(liveness.test()(written), "not renewed since the jump").toBe(true);
  expect(liveness.oldestSeconds()).toBeLessThan(written);
  const renewed = liveness.nowSeconds();
  pass(3_999);
  expect(liveness.test()(renewed)).toBe(true);
  expect(liveness.test()(written)).toBe(true);
});

test.each([3_600_000, -3_600_000])("a jump of %i ms makes nothing immortal", (byMs) => {
  const { liveness, pass, jump } = clocks();
  const written = liveness.nowSeconds();
  jump(byMs);
  expect(liveness.test()(written)).toBe(true);
  pass(lifeMs);
  expect(liveness.test()(written)).toBe(false);
});

test("a clock that jumps without end is bounded", () => {
  const { liveness, jump } = clocks();
  const written = liveness.nowSeconds();
  for (let count = 0; count < 100; count++) {
    jump(10_000);
    liveness.test();
  }
  expect(liveness.test()(written)).toBe(false);
});
