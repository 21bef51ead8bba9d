import type { FlagValue, ParsedFlags } from "./flag-spec.ts";

/** Typed access to the values of a table that is known to be complete. */
export interface FlagValues {
  text(name: string): string;
  bool(name: string): boolean;
  number(name: string): number;
  list(name: string): readonly string[];
  given(name: string): boolean;
}

/** Wraps a parsed command line. Asking for a flag that is not in the table is a programming error. */
export function flagValues(parsed: ParsedFlags): FlagValues {
  const get = (name: string): FlagValue => {
    const value = parsed.values.get(name);
    if (value === undefined) throw new TypeError(`no flag is named ${name}`);
    return value;
  };
  return {
    text: (name) => String(get(name)),
    bool: (name) => get(name) === true,
    number: (name) => Number(get(name)),
    list: (name) => {
      const value = get(name);
      return typeof value === "object" ? value : [];
    },
    given: (name) => parsed.given.has(name),
  };
}
