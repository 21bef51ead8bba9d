import { expect, test } from "vitest";
import { parseCsvRecord } from "../src/flags/csv-record.ts";
import { formatGoDuration, parseGoDuration } from "../src/flags/go-duration.ts";
import { parseGoBool, parseGoDecimal, parseGoInt, parseGoUint } from "../src/flags/go-numbers.ts";
import { parseQuantity } from "../src/flags/quantity.ts";

test.each([
  ["300ms", 300],
  ["1.5h", 5_400_000],
  ["2h45m", 9_900_000],
  ["-1m0.5s", -60_500],
  [".5s", 500],
  ["1\u00b5s", 0.001],
  ["0", 0],
  ["+5s", 5_000],
])("duration %s is %d ms", (text, millis) => {
  expect(parseGoDuration(text)).toBe(millis);
});

test.each([
  ["5", 'time: missing unit in duration "5"'],
  ["", 'time: invalid duration ""'],
  ["-", 'time: invalid duration "-"'],
  [".s", 'time: invalid duration ".s"'],
  ["5x", 'time: unknown unit "x" in duration "5x"'],
  ["5toString", 'time: unknown unit "toString" in duration "5toString"'],
  ["1\u00fc", 'time: unknown unit "\\xc3\\xbc" in duration "1\\xc3\\xbc"'],
  ["9999999h", 'time: invalid duration "9999999h"'],
  ["1s ", 'time: unknown unit "s " in duration "1s "'],
])("duration %j is refused: %s", (text, message) => {
  expect(() => parseGoDuration(text)).toThrow(new RangeError(message));
});

test.each([
  [180_000, "3m0s"],
  [1_500, "1.5s"],
  [500, "500ms"],
  [0, "0s"],
  [3_661_001, "1h1m1.001s"],
  [0.0015, "1.5\u00b5s"],
  [-5_000, "-5s"],
  [0.000_001, "1ns"],
])("%d ms print as %s", (millis, text) => {
  expect(formatGoDuration(millis)).toBe(text);
});

test.each([
  ["0x10", 16],
  ["0b11", 3],
  ["1_000", 1_000],
  ["010", 8],
  ["0o17", 15],
  ["-1", -1],
  ["0", 0],
  ["0x_7", 7],
])("integer %s is %d", (text, value) => {
  expect(parseGoInt(text)).toBe(value);
});

test.each(["", "many", "1__0", "_1", "1_", "08", "0x", "1.5", " 1"])(
  "integer %j is refused",
  (text) => {
    expect(() => parseGoInt(text)).toThrow(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  },
);

test("numbers out of range and with a forbidden sign are refused", () => {
  expect(() => parseGoInt("9223372036854775808")).toThrow("value out of range");
  expect(() => parseGoUint("-1")).toThrow('strconv.ParseUint: parsing "-1": invalid syntax');
  expect(() => parseGoDecimal("99999999999999999999")).toThrow(
    'strconv.Atoi: parsing "99999999999999999999": value out of range',
  );
  expect(() => parseGoDecimal("0x10")).toThrow("invalid syntax");
});

test("only Go's words are booleans", () => {
  expect([parseGoBool("T"), parseGoBool("0"), parseGoBool("False")]).toEqual([true, false, false]);
  for (const word of ["yes", "tRUE", "", "constructor"]) {
    expect(() => parseGoBool(word)).toThrow("invalid syntax");
  }
});

test.each([
  ["4Mi", 4_194_304],
  ["16M", 16_000_000],
  ["1Gi", 1_073_741_824],
  ["1.5Ki", 1_536],
  ["1e3", 1_000],
  ["1E", 1e18],
  ["100m", 1],
  ["-1", -1],
  ["1024", 1_024],
  [".5k", 500],
])("quantity %s is %d", (text, bytes) => {
  expect(parseQuantity(text)).toBe(bytes);
});

test.each(["big", "", "4MB", "4 Mi", "-", "1e", "4mi"])("quantity %j is refused", (text) => {
  expect(() => parseQuantity(text)).toThrow(
    /^quantities must match the regular expression|^unable to parse quantity's suffix$/,
  );
});

test.each<[string, string[]]>([
  ["", []],
  ["a", ["a"]],
  ["a,b", ["a", "b"]],
  [",", ["", ""]],
  ['"a,b",c', ["a,b", "c"]],
  ['"a""b"', ['a"b']],
])("list %j is %j", (text, fields) => {
  expect(parseCsvRecord(text)).toEqual(fields);
});

test.each(['a"b', '"a', '"a"b'])("list %j is refused", (text) => {
  expect(() => parseCsvRecord(text)).toThrow("parse error on line 1, column");
});
