import assert from "node:assert/strict";
import type {
  MeasuredRequest,
  MetricsSpec,
  MetricsSubject,
  RecorderUnderTest,
} from "./metrics-subject.ts";

/** One line of a scrape. */
export interface ScrapedSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** What a scrape says. */
export interface Scrape {
  /** Kind by family, as its `# TYPE` line gives it. */
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly ScrapedSample[];
}

const sampleLine = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;

/** Reads the text format. Rejects text that Prometheus would not take. */
export function parseScrape(text: string): Scrape {
  const types = new Map<string, string>();
  const samples: ScrapedSample[] = [];
  assert.ok(text === "" || text.endsWith("\n"), "the last line ends with a newline");
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) types.set(type[1] ?? "", type[2] ?? "");
    else if (!line.startsWith("#")) samples.push(parseSample(line));
  }
  return { types, samples };
}

function parseSample(line: string): ScrapedSample {
  const [, name, pairs = "", number] = sampleLine.exec(line) ?? [];
  assert.ok(name !== undefined && number !== undefined, `not a sample: ${line}`);
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  assert.ok(!Number.isNaN(value), `not a number: ${line}`);
  return { name, labels: parseLabels(pairs, line), value };
}

function parseLabels(pairs: string, line: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  labelPair.lastIndex = 0;
  for (let at = 0; at < pairs.length; at = labelPair.lastIndex) {
    const pair = labelPair.exec(pairs);
    assert.ok(pair !== null, `labels cannot be read: ${line}`);
    labels.set(pair[1] ?? "", (pair[2] ?? "").replace(/\\(["\\])/g, "$1"));
  }
  return labels;
}

/** A recorder that was fed, as its scrape. */
export async function scrapeOf(
  subject: MetricsSubject,
  spec: Partial<MetricsSpec>,
  feed: (recorder: RecorderUnderTest) => void,
): Promise<Scrape> {
  const recorder = await subject.make({ appId: "orders", ...spec });
  feed(recorder);
  return parseScrape(await recorder.scrape());
}

/** Samples of one name as `label=value,... value`, without the labels left out, sorted. */
export function shown(
  { samples }: Scrape,
  name: string,
  without: readonly string[] = ["app_id"],
): readonly string[] {
  return samples
    .filter((sample) => sample.name === name)
    .map(({ labels, value }) => {
      const kept = [...labels].filter(([label]) => !without.includes(label)).sort();
      return `${kept.map((pair) => pair.join("=")).join(",")} ${value}`.trim();
    })
    .sort();
}

/** Values by the label `le`, in the order of the scrape. */
export function bucketsOf({ samples }: Scrape, family: string): readonly [string, number][] {
  return samples
    .filter(({ name }) => name === `${family}_bucket`)
    .map(({ labels, value }) => [labels.get("le") ?? "", value]);
}

/** A request with plain values where nothing is given. */
export function measured(given: Partial<MeasuredRequest> = {}): MeasuredRequest {
  return {
    method: "GET",
    path: "/v1.0/invoke/myapp/method/hi",
    status: 200,
    requestBytes: 0,
    responseBytes: 2,
    durationMs: 3,
    ...given,
  };
}
