/** A whole number from 0 to `below`, without it; 0 for 0. */
export type Random = (below: number) => number;

/**
 * Runs a case again and again with other numbers, for a time. The seed of a failure is in its text;
 * `OUTRIGGER_FUZZ_SEED` starts with that one.
 */
export async function fuzz(forMs: number, run: (random: Random) => Promise<void>): Promise<void> {
  const { OUTRIGGER_FUZZ_SEED: wanted } = process.env;
  const first = wanted === undefined ? Date.now() % 1_000_000_000 : Number(wanted);
  const endsAt = performance.now() + forMs;
  let seed = first;
  do {
    try {
      await run(generator(seed));
    } catch (cause) {
      throw new Error(`OUTRIGGER_FUZZ_SEED=${seed}: ${String(cause)}`, { cause });
    }
    seed += 1;
  } while (performance.now() < endsAt);
  process.stdout.write(`fuzz: seeds ${first} to ${seed - 1}\n`);
}

/** Mulberry32: the same numbers for the same seed. */
function generator(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** The bytes with some of them changed, removed, doubled, or added. */
export function mutate(bytes: Uint8Array, random: Random): Buffer {
  let result = Buffer.from(bytes);
  for (let count = 1 + random(4); count > 0; count -= 1) {
    const at = random(result.length + 1);
    const kind = random(5);
    if (kind === 0 && at < result.length) result[at] = random(256);
    else if (kind === 1)
      result = Buffer.concat([result.subarray(0, at), result.subarray(at + random(9))]);
    else if (kind === 2)
      result = Buffer.concat([result.subarray(0, at), result.subarray(random(at + 1))]);
    else if (kind === 3) result = result.subarray(0, at);
    else if (at < result.length) result[at] = (result[at] as number) ^ (1 << random(8));
  }
  return result;
}

export function randomBytes(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)));
}
