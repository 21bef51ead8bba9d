/** A difference above this is a step of the system's clock, or a machine that slept. */
const maxDriftMs = 5;

let offset: number = performance.timeOrigin;

/** Milliseconds since the epoch, finer than `Date.now()`: spans of neighbours differ by microseconds. */
export function epochMs(elapsed: number): number {
  const drift = Date.now() - (elapsed + offset);
  if (drift > maxDriftMs || drift < -maxDriftMs) offset += drift;
  return elapsed + offset;
}
