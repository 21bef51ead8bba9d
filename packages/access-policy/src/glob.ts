/**
 * Tests a segment against a pattern in which each star stands for any run of characters, also none.
 * The work is linear in the length of the segment for each star: nobody can make it explode.
 */
export function globMatcher(pattern: string): (segment: string) => boolean {
  const parts = pattern.split("*");
  const [first = "", ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return (segment) => segment === pattern;
  const least = parts.reduce((length, part) => length + part.length, 0);
  return (segment) => {
    if (segment.length < least) return false;
    if (!segment.startsWith(first) || !segment.endsWith(last)) return false;
    return inOrder(segment, rest, first.length, segment.length - last.length);
  };
}

function inOrder(segment: string, parts: readonly string[], start: number, end: number): boolean {
  let position = start;
  for (const part of parts) {
    const found = segment.indexOf(part, position);
    if (found < 0 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}
