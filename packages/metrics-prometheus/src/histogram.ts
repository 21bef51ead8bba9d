/** Values below this find their bucket in a table: nearly all latencies in milliseconds. */
const tableSize = 512;

/** Upper bounds of buckets. As in Dapr a value that equals a bound belongs to the next bucket. */
export class Bounds {
  /** Ascending, without the infinite one. */
  readonly values: readonly number[];
  readonly #table: Uint16Array = new Uint16Array(tableSize);

  /** @param values ascending. */
  constructor(values: readonly number[]) {
    this.values = values;
    for (let value = 0; value < tableSize; value++) this.#table[value] = this.#search(value);
  }

  /** Index of the bucket; the last one has no bound. */
  indexOf(value: number): number {
    if (value >= 0 && value < tableSize) {
      const whole = Math.floor(value);
      const index = this.#table[whole] as number;
      // A bound may lie between the whole number and a fraction above it.
      return whole === value ? index : this.#climb(index, value);
    }
    return this.#search(value);
  }

  #climb(from: number, value: number): number {
    let index = from;
    while (index < this.values.length && value >= (this.values[index] as number)) index += 1;
    return index;
  }

  #search(value: number): number {
    let low = 0;
    let high = this.values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value < (this.values[middle] as number)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Bounds in milliseconds where nobody chose others. */
export const defaultLatencyBounds: readonly number[] = [
  1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30, 40, 50, 65, 80, 100, 130, 160, 200, 250, 300, 400,
  500, 650, 800, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
];

/** Bounds in bytes: 1 KiB to 4 GiB. */
export const sizeBounds: Bounds = new Bounds([
  1_024, 2_048, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
  268_435_456, 1_073_741_824, 4_294_967_296,
]);

/** Latency bounds that a user chose: sorted, without zeros. An empty list means the usual ones. */
export function latencyBounds(chosen: readonly number[] | undefined): Bounds {
  if (chosen === undefined || chosen.length === 0) return new Bounds(defaultLatencyBounds);
  const sorted = [...new Set(chosen)].filter((bound) => bound !== 0).sort((a, b) => a - b);
  return new Bounds(sorted);
}
