import { bucketCount } from "./histogram.ts";
import { outcomeClasses } from "./outcome.ts";

const classCount = outcomeClasses.length;

/** What the calls of a stretch of time add up to. Reused from reading to reading. */
export interface Sum {
  /** Length of the stretch, in milliseconds. */
  spanMs: number;
  retries: number;
  readonly classes: Float64Array;
  readonly latencies: Float64Array;
}

/** An empty sum. */
export function newSum(): Sum {
  const [classes, latencies] = [new Float64Array(classCount), new Float64Array(bucketCount)];
  return { spanMs: 0, retries: 0, classes, latencies };
}

/**
 * Counts in a ring of slots of equal length. A slot is emptied when its turn comes again, so nothing
 * runs in the background and nothing is allocated after the constructor.
 */
export class Rolling {
  readonly #slotMs: number;
  readonly #slots: number;
  /** Number of the period that each slot holds; -1 = none yet. */
  readonly #periods: Float64Array;
  readonly #retries: Uint32Array;
  readonly #classes: Uint32Array;
  readonly #latencies: Uint32Array;

  constructor(slotMs: number, slots: number) {
    this.#slotMs = slotMs;
    this.#slots = slots;
    this.#periods = new Float64Array(slots).fill(-1);
    this.#retries = new Uint32Array(slots);
    this.#classes = new Uint32Array(slots * classCount);
    this.#latencies = new Uint32Array(slots * bucketCount);
  }

  /** @param bucket of the latency; -1 when nobody measured it. */
  record(nowMs: number, outcome: number, bucket: number): void {
    const slot = this.#slotAt(nowMs);
    const at = slot * classCount + outcome;
    this.#classes[at] = (this.#classes[at] ?? 0) + 1;
    if (bucket < 0) return;
    const place = slot * bucketCount + bucket;
    this.#latencies[place] = (this.#latencies[place] ?? 0) + 1;
  }

  retried(nowMs: number): void {
    const slot = this.#slotAt(nowMs);
    this.#retries[slot] = (this.#retries[slot] ?? 0) + 1;
  }

  /** Sums the newest slots: the current one, and before it as many full ones as fill the window. */
  sum(nowMs: number, windowMs: number, into: Sum): void {
    clear(into);
    const current = Math.floor(nowMs / this.#slotMs);
    const full = Math.min(Math.round(windowMs / this.#slotMs), this.#slots - 1);
    for (let period = current - full; period <= current; period += 1) this.#add(period, into);
    into.spanMs = nowMs - (current - full) * this.#slotMs;
  }

  /** Sums one slot that has passed, `age` slots before the current one. */
  sumOne(nowMs: number, age: number, into: Sum): void {
    clear(into);
    this.#add(Math.floor(nowMs / this.#slotMs) - age, into);
    into.spanMs = this.#slotMs;
  }

  #add(period: number, into: Sum): void {
    if (period < 0) return;
    const slot = period % this.#slots;
    if (this.#periods[slot] !== period) return;
    into.retries += this.#retries[slot] ?? 0;
    addTo(into.classes, this.#classes, slot * classCount);
    addTo(into.latencies, this.#latencies, slot * bucketCount);
  }

  #slotAt(nowMs: number): number {
    const period = Math.floor(nowMs / this.#slotMs);
    const slot = period % this.#slots;
    if (this.#periods[slot] === period) return slot;
    this.#periods[slot] = period;
    this.#retries[slot] = 0;
    this.#classes.fill(0, slot * classCount, (slot + 1) * classCount);
    this.#latencies.fill(0, slot * bucketCount, (slot + 1) * bucketCount);
    return slot;
  }
}

function addTo(target: Float64Array, source: Uint32Array, from: number): void {
  for (let at = 0; at < target.length; at += 1) {
    target[at] = (target[at] ?? 0) + (source[from + at] ?? 0);
  }
}

function clear(sum: Sum): void {
  sum.spanMs = 0;
  sum.retries = 0;
  sum.classes.fill(0);
  sum.latencies.fill(0);
}
