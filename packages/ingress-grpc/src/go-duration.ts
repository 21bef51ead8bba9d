/** A time as Go's `time.Duration` prints it, for example `1m30s`, `2.5s` or `500ms`. */
export function goDuration(durationMs: number): string {
  if (durationMs === 0) return "0s";
  if (durationMs < 1) return `${durationMs * 1_000}µs`;
  if (durationMs < 1_000) return `${durationMs}ms`;
  const hours = Math.floor(durationMs / 3_600_000);
  const minutes = Math.floor((durationMs % 3_600_000) / 60_000);
  const seconds = (durationMs % 60_000) / 1_000;
  const small = `${seconds}s`;
  if (hours > 0) return `${hours}h${minutes}m${small}`;
  return minutes > 0 ? `${minutes}m${small}` : small;
}
