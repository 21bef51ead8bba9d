import { expect, test } from "vitest";

interface Place {
  readonly x: number;
  readonly y: number;
  readonly layer: number;
}

interface Layout {
  readonly nodeWidth: number;
  readonly nodeHeight: number;
  placeNodes(
    ids: readonly string[],
    pairs: readonly (readonly [string, string])[],
    across: boolean,
  ): {
    readonly places: ReadonlyMap<string, Place>;
    bendsOf(from: string, to: string): readonly { readonly x: number; readonly y: number }[];
    readonly width: number;
    readonly height: number;
  };
  route(
    from: Place,
    to: Place,
    across: boolean,
  ): { readonly path: string; point(t: number): { readonly x: number; readonly y: number } };
}

// The page has no types: it runs in browsers as it is.
const module = new URL("../page/layout.js", import.meta.url).href;
const layout = (await import(module)) as Layout;

const chain = [
  ["web", "orders"],
  ["orders", "payments"],
  ["web", "payments"],
] as const;

test("callers come before callees, as far back as the longest way", () => {
  const { places } = layout.placeNodes(["orders", "payments", "web"], chain, true);
  expect(["web", "orders", "payments"].map((id) => places.get(id)?.layer)).toEqual([0, 1, 2]);
});

test("circles and calls to oneself have a place and a line", () => {
  const pairs = [
    ["a", "b"],
    ["b", "c"],
    ["c", "a"],
    ["a", "a"],
  ] as const;
  for (const across of [true, false]) {
    const { places } = layout.placeNodes(["a", "b", "c"], pairs, across);
    for (const [from, to] of pairs) {
      const { path, point } = layout.route(
        places.get(from) as Place,
        places.get(to) as Place,
        across,
      );
      expect(path).toMatch(/^M[-\d.]+ [-\d.]+C[-\d. ]+$/);
      expect(Number.isFinite(point(0.5).x + point(0.5).y)).toBe(true);
    }
  }
});

test("a line over several layers goes around the nodes between", () => {
  const { places, bendsOf } = layout.placeNodes(["web", "orders", "payments"], chain, true);
  const [bend, ...more] = bendsOf("web", "payments");
  expect(more).toEqual([]);
  const orders = places.get("orders") as Place;
  const middle = orders.y + layout.nodeHeight / 2;
  expect(Math.abs((bend?.y ?? middle) - middle)).toBeGreaterThan(layout.nodeHeight);
  expect(bendsOf("web", "orders")).toEqual([]);
});

test("nodes never overlap and stay inside, in both directions", () => {
  const ids = Array.from({ length: 40 }, (_, at) => `app-${at}`);
  const pairs = ids.flatMap((id, at) =>
    [3, 7].map((step) => [id, ids[(at * step + 1) % ids.length] as string] as const),
  );
  for (const across of [true, false]) {
    const { places, width, height } = layout.placeNodes(ids, pairs, across);
    const all = [...places.values()];
    expect(all).toHaveLength(40);
    for (const [at, one] of all.entries()) {
      expect(one.x).toBeGreaterThanOrEqual(0);
      expect(one.x + layout.nodeWidth).toBeLessThanOrEqual(width);
      expect(one.y + layout.nodeHeight).toBeLessThanOrEqual(height);
      for (const other of all.slice(at + 1)) {
        const apart =
          Math.abs(one.x - other.x) >= layout.nodeWidth ||
          Math.abs(one.y - other.y) >= layout.nodeHeight;
        expect(apart).toBe(true);
      }
    }
    if (!across) expect(width).toBeLessThan(520);
  }
});

test("a thousand nodes in a thick net take no time that somebody would notice", () => {
  const ids = Array.from({ length: 1_000 }, (_, at) => `app-${at}`);
  const pairs = ids.flatMap((id, at) =>
    [1, 17, 331].map((step) => [id, ids[(at + step) % ids.length] as string] as const),
  );
  const begin = performance.now();
  layout.placeNodes(ids, pairs, true);
  expect(performance.now() - begin).toBeLessThan(3_000);
});
