/** Numbers from 0 to below the bound, the same ones in each run (Park and Miller's generator). */
export function randomNumbers(start: number): (bound: number) => number {
  let state = start;
  return (bound) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % bound;
  };
}

/** Seed of tests with random edits: `OUTRIGGER_TEST_SEED`, or always the same. */
export const editSeed: number = Number(process.env.OUTRIGGER_TEST_SEED ?? 20_261_124);
