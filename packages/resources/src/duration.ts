const unitMillis: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads a Go duration in milliseconds; `undefined` when the text is none. */
export function parseDuration(text: string): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0;
  if (!/^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(text))
    return undefined;
  let millis = 0;
  for (const [, size, unit] of text.matchAll(/([\d.]+)([a-z\u00b5\u03bc]+)/g)) {
    millis += Number(size) * (unitMillis[unit as string] as number);
  }
  return text.startsWith("-") ? -millis : millis;
}
