import { textToBytes } from "@outrigger/core";

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n,
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const maximumNanos = (1n << 63n) - 1n;

/**
 * Reads a duration as Go's `time.ParseDuration`: `300ms`, `-1.5h`, `2h45m`, `0`.
 * @returns milliseconds, with a fraction below a millisecond.
 * @throws RangeError with Go's message.
 */
export function parseGoDuration(text: string): number {
  const negative = text.startsWith("-");
  let rest = /^[-+]/.test(text) ? text.slice(1) : text;
  if (rest === "0") return 0;
  if (rest === "") throw invalid(text);
  let total = 0n;
  while (rest !== "") {
    const match = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest) as RegExpExecArray;
    const [whole, integer = "", fraction = "", unit = ""] = match;
    if (integer === "" && fraction === "") throw invalid(text);
    if (unit === "") throw new RangeError(`time: missing unit in duration ${quote(text)}`);
    const nanos = Object.hasOwn(unitNanos, unit) ? unitNanos[unit] : undefined;
    if (nanos === undefined) {
      throw new RangeError(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    }
    total += BigInt(`0${integer}`) * nanos + fractionOf(fraction, nanos);
    if (total > maximumNanos) throw invalid(text);
    rest = rest.slice(whole.length);
  }
  const millis = Number(total) / 1_000_000;
  return negative && millis !== 0 ? -millis : millis;
}

function fractionOf(digits: string, nanos: bigint): bigint {
  const used = digits.slice(0, 18);
  return used === "" ? 0n : (BigInt(used) * nanos) / 10n ** BigInt(used.length);
}

/** Prints milliseconds as Go prints a duration: `3m0s`, `1.5s`, `500ms`, `0s`. */
export function formatGoDuration(millis: number): string {
  const sign = millis < 0 ? "-" : "";
  const nanos = Math.round(Math.abs(millis) * 1_000_000);
  if (nanos === 0) return "0s";
  if (nanos < 1_000) return `${sign}${nanos}ns`;
  if (nanos < 1_000_000) return `${sign}${nanos / 1_000}\u00b5s`;
  if (nanos < 1_000_000_000) return `${sign}${nanos / 1_000_000}ms`;
  const totalSeconds = Math.floor(nanos / 1_000_000_000);
  const fraction = nanos % 1_000_000_000;
  const hours = Math.floor(totalSeconds / 3_600);
  const minutes = Math.floor(totalSeconds / 60) % 60;
  const seconds = `${totalSeconds % 60}${fractionText(fraction)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

function fractionText(nanos: number): string {
  return nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
}

function invalid(text: string): RangeError {
  return new RangeError(`time: invalid duration ${quote(text)}`);
}

/** The time package quotes by itself: bytes outside printable ASCII become hexadecimal escapes. */
function quote(text: string): string {
  const escaped = textToBytes(text).replace(/["\\]|[^ -\x7f]/g, (byte) =>
    byte === '"' || byte === "\\"
      ? `\\${byte}`
      : `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}
