import { type MiddlewareSubject, middlewareCases, runCase } from "@outrigger/conformance";
import { describe, expect, test } from "vitest";
import { guardSubject } from "./guard-middleware.ts";
import { middlewareFaults } from "./middleware-faults.ts";

/** Cases that a fault cannot but break too, because they stand on the same behaviour. */
const also: Readonly<Record<string, readonly string[]>> = {
  "middleware/stream/request-chunks": ["middleware/stream/both-at-once"],
};

/** Timers of cases beside it would look like leaks. */
const alone = "middleware/lifecycle/no-leaks";

async function failuresOf(subject: () => MiddlewareSubject, ids: readonly string[]) {
  const wanted = middlewareCases.filter(({ id }) => ids.includes(id));
  const results = await Promise.all(
    wanted.map((each) => runCase(each, () => ({ subject: subject() }), { timeoutMs: 4_000 })),
  );
  return results.filter(({ outcome }) => outcome !== "passed");
}

const together = middlewareCases.map(({ id }) => id).filter((id) => id !== alone);

describe("middleware", () => {
  test("each case has a broken middleware", () => {
    expect(Object.keys(middlewareFaults).sort()).toEqual(
      middlewareCases.map(({ id }) => id).sort(),
    );
  });

  test("one that does everything right passes every case", async () => {
    expect(await failuresOf(guardSubject, together)).toEqual([]);
    expect(await failuresOf(guardSubject, [alone])).toEqual([]);
  });

  test(`${alone} fails its fault`, async () => {
    expect(await failuresOf(brokenBy(alone), [alone])).toHaveLength(1);
  });

  const others = Object.keys(middlewareFaults).filter((id) => id !== alone);
  test.concurrent.for(others)("%s alone fails its fault", async (id, context) => {
    const failed = await failuresOf(brokenBy(id), together);
    const ids = failed.map((result) => result.id).sort();
    context.expect(ids).toEqual([id, ...(also[id] ?? [])].sort());
  });
});

function brokenBy(id: string): () => MiddlewareSubject {
  const fault = middlewareFaults[id];
  if (fault === undefined) throw new Error(`no fault for ${id}`);
  return () => {
    const right = guardSubject();
    return { ...right, ...fault(right) };
  };
}
