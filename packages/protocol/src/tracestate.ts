const memberLimit = 32;
const simpleKey = /^[a-z][a-z0-9_\-*/]{0,255}$/;
const tenantKey = /^[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}$/;
// Printable ASCII except comma and equals sign, without a space at the end.
const memberValue = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/**
 * Reads a `tracestate` header (W3C Trace Context, section 3.3).
 * @returns its members without the blanks between them; empty when one of them is not valid.
 */
export function parseTracestate(text: string): string {
  if (text === "") return "";
  const members: string[] = [];
  const keys = new Set<string>();
  for (const part of text.split(",")) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, "");
    if (member === "") continue;
    const separator = member.indexOf("=");
    const key = member.slice(0, Math.max(0, separator));
    if (!simpleKey.test(key) && !tenantKey.test(key)) return "";
    if (!memberValue.test(member.slice(separator + 1)) || keys.has(key)) return "";
    keys.add(key);
    members.push(member);
  }
  return members.length > memberLimit ? "" : members.join(",");
}
