/** Stands in for a rate that is missing or no number (Dapr `pkg/diagnostics/utils/trace_utils.go`). */
const defaultRate = 0.0001;

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Reads a sampling rate as Dapr does: what is no number, the empty text too, stands for 0.0001.
 * @returns 0 to 1.
 */
export function parseSamplingRate(text: string): number {
  if (/^\+?inf(?:inity)?$/i.test(text)) return 1;
  if (/^-inf(?:inity)?$/i.test(text)) return 0;
  const rate = decimal.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(rate)) return defaultRate;
  return Math.min(1, Math.max(0, rate));
}

/**
 * Whether a trace that begins here is sampled: the last eight bytes of its id, shifted right by one,
 * are below `rate` times 2^63, as in OpenTelemetry for Go. All sidecars decide alike.
 */
export function isRootSampled(traceId: string, rate: number): boolean {
  if (rate >= 1) return true;
  if (rate <= 0) return false;
  const high = Number.parseInt(traceId.slice(16, 24), 16);
  const low = Number.parseInt(traceId.slice(24, 32), 16);
  return high * 0x1_0000_0000 + low < rate * 2 ** 64;
}

/** The sampler in OpenTelemetry's words, for the log. */
export function describeSampler(rate: number): string {
  return (
    `ParentBased{root:TraceIDRatioBased{${formatRate(rate)}},` +
    "remoteParentSampled:AlwaysOnSampler,remoteParentNotSampled:AlwaysOffSampler," +
    "localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler}"
  );
}

/** As Go prints a float with `%g`: small numbers in scientific form. */
function formatRate(rate: number): string {
  if (rate === 0 || rate >= 0.0001) return `${rate}`;
  const [mantissa = "", exponent = ""] = rate.toExponential().split("e");
  return `${mantissa}e-${exponent.slice(1).padStart(2, "0")}`;
}
