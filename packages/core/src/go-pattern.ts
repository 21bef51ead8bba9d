import { errorText, OutriggerError } from "./errors.ts";

/**
 * A regular expression in Go's syntax (RE2), where it differs from JavaScript's in what people write:
 * flags at the start, `(?P<name>`, `\\A` and `\\z`.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` that begins as Go's error does.
 */
export function goPattern(rule: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(rule);
  const source = rule
    .slice(flags?.[0].length ?? 0)
    .replace(/\(\?P</g, "(?<")
    .replace(/\\([\s\S])/g, (whole, letter: string) => {
      if (letter === "A") return "^";
      return letter === "z" ? "$" : whole;
    });
  try {
    return new RegExp(source, [...new Set(flags?.[1])].join(""));
  } catch (cause) {
    throw new OutriggerError(`error parsing regexp: ${errorText(cause)}`, {
      code: "OTR_OPTIONS_INVALID",
      cause,
    });
  }
}
