import { goQuote, textToBytes } from "@outrigger/core";
import type { FlagSpec } from "./flag-spec.ts";
import { formatGoDuration } from "./go-duration.ts";

/** Prints the usage of a command as pflag does: sorted, aligned, without hidden flags. */
export function formatUsage(command: string, specs: readonly FlagSpec[]): string {
  const shown = specs
    .filter((spec) => spec.hidden !== true && spec.deprecated === undefined)
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const heads = shown.map(
    (spec) => `      --${spec.name}${spec.type === "bool" ? "" : ` ${spec.type}`}`,
  );
  const width = Math.max(0, ...heads.map((head) => head.length)) + 3;
  const lines = shown.map(
    (spec, index) => `${(heads[index] as string).padEnd(width)}${spec.help}${defaultText(spec)}\n`,
  );
  return `Usage of ${command}:\n${lines.join("")}`;
}

/** The default in brackets, left out when it is the type's zero value. */
function defaultText(spec: FlagSpec): string {
  const value = spec.default;
  if (value === "" || value === false || value === 0) return "";
  if (typeof value === "object") return value.length === 0 ? "" : ` (default [${value.join(",")}])`;
  if (typeof value === "string") return ` (default ${goQuote(textToBytes(value))})`;
  if (spec.type === "duration") return ` (default ${formatGoDuration(Number(value))})`;
  return ` (default ${value})`;
}
