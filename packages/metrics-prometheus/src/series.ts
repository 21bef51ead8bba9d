import type { Bounds } from "./histogram.ts";

/** One line of a counter or a gauge. Callers keep it: recording takes no look-up. */
export class Sample {
  value = 0;

  inc(): void {
    this.value += 1;
  }

  set(value: number): void {
    this.value = value;
  }
}

/** One histogram. Recording allocates nothing. */
export class Histogram {
  readonly bounds: Bounds;
  /** Of each bucket by itself; the last one has no bound. */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: Bounds) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.values.length + 1);
  }

  observe(value: number): void {
    const index = this.bounds.indexOf(value);
    this.counts[index] = (this.counts[index] as number) + 1;
    this.sum += value;
    this.count += 1;
  }
}
