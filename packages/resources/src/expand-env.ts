/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `$NAME` and `${NAME}` as Go's `os.Expand` does: an unset name gives nothing, `${}` and an
 * unclosed `${` vanish, a `$` before anything else stays.
 */
export function expandEnv(text: string, env: Environment): string {
  // Alternatives in Go's order: braces, one special character or digit, a plain name, broken braces.
  return text.replace(
    /\$(?:\{([^}]*)\}|([*#$@!?0-9-])|([A-Za-z0-9_]+)|(\{))/g,
    (_whole, braced?: string, special?: string, plain?: string) => {
      const name = braced ?? special ?? plain ?? "";
      return Object.hasOwn(env, name) ? (env[name] ?? "") : "";
    },
  );
}
