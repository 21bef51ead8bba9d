const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Reads a duration in milliseconds: a whole number is one already, everything else is Go's syntax
 * (Dapr `kit/config/decode.go`).
 * @throws Error in Go's words.
 */
export function parseGoDuration(text: string): number {
  if (/^[-+]?\d+$/.test(text)) return Number(text);
  const quoted = JSON.stringify(text);
  const sign = text.startsWith("-") ? -1 : 1;
  let rest = text.replace(/^[-+]/, "");
  if (rest === "") throw new Error(`time: invalid duration ${quoted}`);
  let totalMs = 0;
  while (rest !== "") {
    const [all, size = "", unit = ""] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest) ?? [];
    if (all === undefined) throw new Error(`time: invalid duration ${quoted}`);
    if (unit === "") throw new Error(`time: missing unit in duration ${quoted}`);
    const ms = Object.hasOwn(unitMs, unit) ? unitMs[unit] : undefined;
    if (ms === undefined) {
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    }
    totalMs += Number(size) * ms;
    rest = rest.slice(all.length);
  }
  return sign * totalMs;
}
