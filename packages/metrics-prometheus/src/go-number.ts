/**
 * A number as Go's shortest `%g` prints it: sample values and bounds must be the same text as those
 * of other sidecars, because some backends compare `le` as text.
 */
export function goNumber(value: number): string {
  if (Number.isInteger(value) && value > -1_000_000 && value < 1_000_000) return `${value}`;
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const [mantissa = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  // From a million on, and below a ten-thousandth (Go `strconv/ftoa.go`).
  if (exponent >= -4 && exponent < 6) return `${value}`;
  const sign = exponent < 0 ? "-" : "+";
  return `${mantissa}e${sign}${`${Math.abs(exponent)}`.padStart(2, "0")}`;
}
