import type { Family } from "./family.ts";
import { goNumber } from "./go-number.ts";
import type { Bounds } from "./histogram.ts";
import { Histogram, type Sample } from "./series.ts";

/** Content type of the text format, as Dapr sends it. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/** A family of either kind of series. */
export type AnyFamily = Family<Sample> | Family<Histogram>;

/** Writes families in the text format. Those without a series are left out, as in Dapr. */
export function exposition(families: readonly AnyFamily[]): string {
  const parts: string[] = [];
  const sorted = [...families].sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const family of sorted) if (family.size > 0) writeFamily(parts, family);
  return parts.join("");
}

function writeFamily(parts: string[], family: AnyFamily): void {
  const { name, type, help } = family;
  parts.push(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
  for (const { labels, series } of family.views()) {
    if (series instanceof Histogram) writeHistogram(parts, name, labels, series);
    else parts.push(`${name}${braced(labels)} ${goNumber(series.value)}\n`);
  }
}

function writeHistogram(parts: string[], name: string, labels: string, series: Histogram): void {
  const { bounds, counts, count, sum } = series;
  const before = labels === "" ? "" : `${labels},`;
  let cumulative = 0;
  for (const [index, text] of boundTexts(bounds).entries()) {
    cumulative += counts[index] as number;
    parts.push(`${name}_bucket{${before}le="${text}"} ${goNumber(cumulative)}\n`);
  }
  const shown = braced(labels);
  parts.push(`${name}_sum${shown} ${goNumber(sum)}\n${name}_count${shown} ${goNumber(count)}\n`);
}

function boundTexts(bounds: Bounds): readonly string[] {
  return [...bounds.values.map(goNumber), "+Inf"];
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}
