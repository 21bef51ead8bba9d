// Kubernetes quantities, k8s.io/apimachinery/pkg/api/resource: decimal and binary suffixes.
const multipliers: Readonly<Record<string, readonly [numerator: bigint, denominator: bigint]>> = {
  "": [1n, 1n],
  n: [1n, 1_000_000_000n],
  u: [1n, 1_000_000n],
  m: [1n, 1_000n],
  k: [10n ** 3n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [1n << 10n, 1n],
  Mi: [1n << 20n, 1n],
  Gi: [1n << 30n, 1n],
  Ti: [1n << 40n, 1n],
  Pi: [1n << 50n, 1n],
  Ei: [1n << 60n, 1n],
};
const maximum = (1n << 63n) - 1n;

/**
 * Reads a Kubernetes quantity (`4Mi`, `16M`, `1.5Gi`, `1e3`, `-1`) as a whole number, rounded away
 * from zero. @throws RangeError with the message of Kubernetes.
 */
export function parseQuantity(text: string): number {
  const match = /^([-+]?)(\d+(?:\.\d*)?|\.\d+)(.*)$/s.exec(text);
  // Kubernetes reads a suffix without a number as 0; as a limit that is never what was meant.
  if (match === null) throw invalid();
  const [, sign, digits = "", suffix = ""] = match;
  const [numerator, denominator] = multiplierOf(suffix);
  const [integer = "", fraction = ""] = digits.split(".");
  const over = denominator * 10n ** BigInt(fraction.length);
  const scaled = BigInt(`0${integer}${fraction}`) * numerator;
  const rounded = (scaled + over - 1n) / over;
  const size = Number(rounded > maximum ? maximum : rounded);
  return sign === "-" && size !== 0 ? -size : size;
}

function multiplierOf(suffix: string): readonly [bigint, bigint] {
  if (Object.hasOwn(multipliers, suffix)) return multipliers[suffix] as readonly [bigint, bigint];
  const exponent = /^[eE]([-+]?\d{1,3})$/.exec(suffix);
  if (exponent === null) {
    throw /^[eEinumkKMGTP]*[-+]?\d*$/.test(suffix)
      ? new RangeError("unable to parse quantity's suffix")
      : invalid();
  }
  const power = Number(exponent[1]);
  return power < 0 ? [1n, 10n ** BigInt(-power)] : [10n ** BigInt(power), 1n];
}

function invalid(): RangeError {
  return new RangeError(
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  );
}
