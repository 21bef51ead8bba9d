/** The samples of a scrape by name and labels. */
export function samples(text: string, pattern: RegExp = /./): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#") || !pattern.test(line)) continue;
    const space = line.lastIndexOf(" ");
    found[line.slice(0, space)] = line.slice(space + 1);
  }
  return found;
}
