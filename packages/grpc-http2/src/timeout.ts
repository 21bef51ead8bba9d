const unitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** Largest number that fits the eight digits of the header (gRPC `PROTOCOL-HTTP2.md`, Timeout). */
const largest = 99_999_999;

/** Value of `grpc-timeout` for a remaining time, in the finest unit that fits, at least 1 µs. */
export function encodeGrpcTimeout(remainingMs: number): string {
  const micros = Math.max(1, Math.ceil(remainingMs * 1_000));
  if (micros <= largest) return `${micros}u`;
  const millis = Math.ceil(remainingMs);
  if (millis <= largest) return `${millis}m`;
  const seconds = Math.ceil(remainingMs / 1_000);
  if (seconds <= largest) return `${seconds}S`;
  return `${Math.min(largest, Math.ceil(seconds / 3_600))}H`;
}

/** Milliseconds of a `grpc-timeout` header; `undefined` when it is malformed. */
export function parseGrpcTimeout(header: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(header);
  return match === null ? undefined : Number(match[1]) * (unitsMs[match[2] as string] as number);
}
