/** The export of this name when it is a function. */
export function functionIn(
  exports: Readonly<Record<string, unknown>>,
  name: string,
): ((argument: unknown) => unknown) | undefined {
  const value = exports[name];
  return isFunction(value) ? value : undefined;
}

/** True for what can be called. */
export function isFunction(value: unknown): value is (argument: unknown) => unknown {
  return typeof value === "function";
}
