import { expect, test } from "vitest";
import type { FlagSpec } from "../src/flags/flag-spec.ts";
import { parseFlags } from "../src/flags/parse-flags.ts";
import { formatUsage } from "../src/flags/usage.ts";

const specs: readonly FlagSpec[] = [
  { name: "app-id", type: "string", default: "", help: "Name of the app" },
  { name: "on", type: "bool", default: false, help: "Switch" },
  { name: "count", type: "int", default: -1, help: "How many" },
  { name: "every", type: "duration", default: 30_000, help: "How often" },
  { name: "path", type: "strings", default: ["d"], help: "Where" },
  { name: "old", type: "int", default: 4, help: "", deprecated: "use '--count 4'" },
];

function read(...argv: string[]) {
  const parsed = parseFlags(argv, specs);
  if ("error" in parsed) return parsed;
  return { ...Object.fromEntries(parsed.values), rest: parsed.positionals };
}

test.each([
  [["--app-id=x"]],
  [["--app-id", "x"]],
  [["-app-id", "x"]],
  [["-app-id=x"]],
  [["--app-id=first", "--app-id", "x"]],
])("%j sets the flag", (argv) => {
  expect(read(...argv)).toMatchObject({ "app-id": "x" });
});

test("a value may be -1, but a longer value gets a second dash", () => {
  expect(read("--count", "-1")).toMatchObject({ count: -1 });
  expect(read("--count", "-10")).toMatchObject({
    error:
      'invalid argument "--10" for "--count" flag: strconv.ParseInt: parsing "--10": invalid syntax',
  });
  expect(read("--count=-10")).toMatchObject({ count: -10 });
});

test("a boolean takes its value only after =", () => {
  expect(read("--on", "false")).toMatchObject({ on: true, rest: ["false"] });
  expect(read("--on=F")).toMatchObject({ on: false });
});

test("positionals are kept, flags may follow them, and -- ends the flags", () => {
  expect(read("/daprd", "-", "--app-id", "x", "--", "--on")).toMatchObject({
    "app-id": "x",
    on: false,
    rest: ["/daprd", "-", "--on"],
  });
});

test("the first occurrence of a list replaces the default, later ones append", () => {
  expect(read()).toMatchObject({ path: ["d"] });
  expect(read("--path", "a,b", "--path", '"c,d"')).toMatchObject({ path: ["a", "b", "c,d"] });
  expect(read("--path", "")).toMatchObject({ path: [] });
});

test.each([
  [["--bogus"], "unknown flag: --bogus"],
  [["-bogus=1"], "unknown flag: --bogus"],
  [["--app-id"], "flag needs an argument: --app-id"],
  [["--=x"], "bad flag syntax: --=x"],
  [["---x"], "bad flag syntax: ---x"],
  [["-x"], "unknown shorthand flag: 'x' in -x"],
  [
    ["--on=maybe"],
    'invalid argument "maybe" for "--on" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [["--every", "5"], 'invalid argument "5" for "--every" flag: time: missing unit in duration "5"'],
])("%j is a usage error", (argv, error) => {
  expect(read(...argv)).toMatchObject({ error });
});

test.each(["--help", "-help", "-h"])("%s asks for help", (argument) => {
  expect(read(argument)).toEqual({ error: undefined, notices: [] });
});

test("a deprecated flag works and leaves a notice", () => {
  const parsed = parseFlags(["--old", "7"], specs);
  expect(parsed.notices).toEqual(["Flag --old has been deprecated, use '--count 4'"]);
  expect("values" in parsed && parsed.values.get("old")).toBe(7);
});

test("the usage is sorted and aligned, shows defaults and hides deprecated flags", () => {
  expect(formatUsage("daprd", specs)).toBe(`Usage of daprd:
      --app-id string    Name of the app
      --count int        How many (default -1)
      --every duration   How often (default 30s)
      --on               Switch
      --path strings     Where (default [d])
`);
});
