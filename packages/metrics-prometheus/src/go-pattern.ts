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
 * A pattern in Go's syntax (RE2) that replaces every match. It differs from JavaScript's in flags at
 * the start, `(?P<name>`, `\A`, `\z`, and POSIX classes.
 * @throws SyntaxError for what is no pattern.
 */
export function goPattern(pattern: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const source = pattern
    .slice(flags?.[0].length ?? 0)
    .replace(/\(\?P</g, "(?<")
    .replace(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole)
    .replace(/\\([\s\S])/g, (whole, letter: string) => {
      if (letter === "A") return "^";
      return letter === "z" ? "$" : whole;
    });
  return new RegExp(source, `g${[...new Set(flags?.[1])].join("")}`);
}

/** A replacement in Go's syntax: `$1`, `${1}`, `${name}`, and `$name` to the end of the word. */
export function goReplacement(text: string): string {
  return text.replace(
    /\$(?:\$|\{(\w+)\}|(\w+))?/g,
    (_whole, braced: string | undefined, bare: string | undefined) => {
      const group = braced ?? bare;
      if (group === undefined) return "$$";
      return /^\d+$/.test(group) ? `$${group}` : `$<${group}>`;
    },
  );
}
