const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const whole = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

/** Milliseconds of a Go duration (`1m30s`), or of a bare number of seconds; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  if (/^[+-]?\d+$/.test(text)) return Number(text) * 1_000;
  const match = whole.exec(text);
  if (match === null) return undefined;
  let total = 0;
  for (const [, amount, unit = ""] of (match[2] ?? "").matchAll(part)) {
    total += Number(amount) * (unitMs[unit] ?? 0);
  }
  return match[1] === "-" ? -total : total;
}
