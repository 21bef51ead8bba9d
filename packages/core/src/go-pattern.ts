import { errorText, OutriggerError } from "./errors.ts";

/** POSIX classes, which stand inside of brackets. */
const classes: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\s",
  word: "\\w",
  xdigit: "0-9A-Fa-f",
};

/**
 * A regular expression in Go's syntax (RE2), where it differs from JavaScript's in what people write:
 * flags at the start, `(?P<name>`, `\A`, `\z`, and POSIX classes.
 * @param flags of JavaScript beside those that the pattern itself has, as `g` to find every match.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` that begins as Go's error does.
 */
export function goPattern(rule: string, flags = ""): RegExp {
  const own = /^\(\?([ims]+)\)/.exec(rule);
  const source = rule
    .slice(own?.[0].length ?? 0)
    .replace(/\(\?P</g, "(?<")
    .replace(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole)
    .replace(/\\([\s\S])/g, (whole, letter: string) => {
      if (letter === "A") return "^";
      return letter === "z" ? "$" : whole;
    });
  try {
    return new RegExp(source, [...new Set(`${flags}${own?.[1] ?? ""}`)].join(""));
  } catch (cause) {
    throw new OutriggerError(`error parsing regexp: ${errorText(cause)}`, {
      code: "OTR_OPTIONS_INVALID",
      cause,
    });
  }
}
