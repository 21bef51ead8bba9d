const nanosPerMilli = 1_000_000n;
const maximumDriftNanos = 50n * nanosPerMilli;

/**
 * Nanoseconds since the Unix epoch: the wall clock's date with the monotonic clock's precision.
 * Follows the wall clock when somebody sets it.
 */
export function createNanoClock(): () => bigint {
  let offset = wallNanos() - process.hrtime.bigint();
  return () => {
    const now = process.hrtime.bigint() + offset;
    const drift = wallNanos() - now;
    if (drift < maximumDriftNanos && drift > -maximumDriftNanos) return now;
    offset += drift;
    return now + drift;
  };
}

function wallNanos(): bigint {
  return BigInt(Date.now()) * nanosPerMilli;
}

/** Prints a time as Go's RFC3339Nano does: local offset, `Z` for zero, no trailing zeros. */
export function formatTime(nanos: bigint): string {
  const millis = Number(nanos / nanosPerMilli);
  const offsetMinutes = -new Date(millis).getTimezoneOffset();
  const local = new Date(millis + offsetMinutes * 60_000).toISOString();
  const fraction = String(nanos % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${local.slice(0, 19)}${fraction === "" ? "" : `.${fraction}`}${zone(offsetMinutes)}`;
}

function zone(offsetMinutes: number): string {
  if (offsetMinutes === 0) return "Z";
  const size = Math.abs(offsetMinutes);
  const hours = String(Math.floor(size / 60)).padStart(2, "0");
  return `${offsetMinutes < 0 ? "-" : "+"}${hours}:${String(size % 60).padStart(2, "0")}`;
}
