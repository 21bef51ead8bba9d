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
