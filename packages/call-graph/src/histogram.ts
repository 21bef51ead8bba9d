/** Buckets of a latency histogram: each one is 12 % wider than the one before. */
export const bucketCount = 128;

/** Upper bound of the first bucket, in milliseconds. The last one begins at about 80 s. */
const firstBoundMs = 0.05;
const growth = 1.12;
const perBucket = 1 / Math.log(growth);

/** The bucket of a duration. */
export function bucketOf(durationMs: number): number {
  if (!(durationMs > firstBoundMs)) return 0;
  const bucket = Math.ceil(Math.log(durationMs / firstBoundMs) * perBucket);
  return bucket < bucketCount ? bucket : bucketCount - 1;
}

/** The middle of a bucket on the logarithmic scale: at most 6 % away from anything inside. */
function middleOf(bucket: number): number {
  return firstBoundMs * growth ** (bucket - 0.5);
}

/**
 * Quantiles by nearest rank.
 * @param ranks in ascending order, each in (0, 1].
 * @returns milliseconds for each rank; `undefined` for an empty histogram.
 */
export function quantiles(
  counts: Float64Array,
  ranks: readonly number[],
): readonly number[] | undefined {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return undefined;
  const found: number[] = [];
  let seen = 0;
  let bucket = -1;
  for (const rank of ranks) {
    const wanted = Math.max(1, Math.ceil(rank * total));
    while (seen < wanted && bucket < bucketCount - 1) {
      bucket += 1;
      seen += counts[bucket] ?? 0;
    }
    found.push(middleOf(bucket));
  }
  return found;
}
