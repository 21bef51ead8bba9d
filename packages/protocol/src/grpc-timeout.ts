const nanosecondsPerUnit: Readonly<Record<string, number>> = {
  n: 1,
  u: 1e3,
  m: 1e6,
  S: 1e9,
  M: 60e9,
  H: 3600e9,
};

const largestValue = 99_999_999;

/**
 * Reads the header `grpc-timeout`: one to eight digits and a unit.
 * @returns milliseconds, with a fraction for the small units; `undefined` when malformed.
 */
export function parseGrpcTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  if (match === null) return undefined;
  return (Number(match[1]) * (nanosecondsPerUnit[match[2] as string] as number)) / 1e6;
}

/** Writes the header `grpc-timeout` in the finest unit that eight digits can hold, rounded up. */
export function formatGrpcTimeout(timeoutMs: number): string {
  if (!(timeoutMs > 0)) return "0n";
  const nanoseconds = timeoutMs * 1e6;
  for (const [unit, size] of Object.entries(nanosecondsPerUnit)) {
    const value = Math.ceil(nanoseconds / size);
    if (value <= largestValue) return `${value}${unit}`;
  }
  return `${largestValue}H`;
}
