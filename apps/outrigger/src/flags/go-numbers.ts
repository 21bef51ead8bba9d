import { goQuote, textToBytes } from "@outrigger/core";

const truths: Readonly<Record<string, boolean>> = {
  "1": true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  "0": false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

/** Reads a boolean as Go's `strconv.ParseBool`. @throws RangeError with Go's message. */
export function parseGoBool(text: string): boolean {
  const value = Object.hasOwn(truths, text) ? truths[text] : undefined;
  if (value === undefined) throw failure("ParseBool", text, "invalid syntax");
  return value;
}

/**
 * Reads a whole number whose prefix gives the base (`0x10`, `0b1`, `010`, `1_000`), as Go's
 * `strconv.ParseInt` with base 0. @throws RangeError with Go's message.
 */
export function parseGoInt(text: string): number {
  const match = /^([-+]?)(.*)$/s.exec(text) as RegExpExecArray;
  const size = readDigits(match[2] as string);
  if (size === undefined) throw failure("ParseInt", text, "invalid syntax");
  return inRange("ParseInt", text, match[1] === "-" ? -size : size, -(1n << 63n), (1n << 63n) - 1n);
}

/** Like `parseGoInt` for numbers without a sign. @throws RangeError with Go's message. */
export function parseGoUint(text: string): number {
  const size = readDigits(text);
  if (size === undefined) throw failure("ParseUint", text, "invalid syntax");
  return inRange("ParseUint", text, size, 0n, (1n << 64n) - 1n);
}

/** Reads a decimal number as Go's `strconv.Atoi`. @throws RangeError with Go's message. */
export function parseGoDecimal(text: string): number {
  if (!/^[-+]?\d+$/.test(text)) throw failure("Atoi", text, "invalid syntax");
  return inRange("Atoi", text, BigInt(text.replace("+", "")), -(1n << 63n), (1n << 63n) - 1n);
}

function readDigits(text: string): bigint | undefined {
  // An underscore stands only between digits, or between the base's prefix and a digit.
  const match =
    /^(?:(0[xX])((?:_?[0-9a-fA-F])+)|(0[bB])((?:_?[01])+)|(?:(0[oO])|0)((?:_?[0-7])+)|(0|[1-9](?:_?\d)*))$/.exec(
      text,
    );
  if (match === null) return undefined;
  const digits = (match[2] ?? match[4] ?? match[6] ?? match[7] ?? "").replaceAll("_", "");
  if (match[2] !== undefined) return BigInt(`0x${digits}`);
  if (match[4] !== undefined) return BigInt(`0b${digits}`);
  return BigInt(match[6] !== undefined ? `0o${digits}` : digits);
}

function inRange(name: string, text: string, value: bigint, low: bigint, high: bigint): number {
  if (value < low || value > high) throw failure(name, text, "value out of range");
  return Number(value);
}

function failure(name: string, text: string, problem: string): RangeError {
  return new RangeError(`strconv.${name}: parsing ${goQuote(textToBytes(text))}: ${problem}`);
}
