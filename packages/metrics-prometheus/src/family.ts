import type { LabelRules } from "./label-rules.ts";

/** What a family is in the text format. */
export type FamilyType = "counter" | "gauge" | "histogram";

/** What a family is made from. */
export interface FamilyParts<S> {
  /** As exposed, with its prefix. */
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
  /** Names in the order in which values are given. */
  readonly labels: readonly string[];
  /** Labels whose values come from clients; they are what overflows. */
  readonly open?: readonly string[];
  readonly create: () => S;
}

/** What all families of a recorder share. */
export interface FamilyLimits {
  readonly rules: LabelRules;
  /** Series of one family, before new ones are recorded together. */
  readonly maxSeries: number;
  /** Told once per family. */
  readonly onOverflow: (family: string) => void;
}

/** A family's series with its label text. */
export interface SeriesView<S> {
  /** `name="value",...` in the byte order of the names; empty without labels. */
  readonly labels: string;
  readonly series: S;
}

/** Stands for the values of client-chosen labels once a family is full. */
export const overflowValue = "_overflow";

/** Room for the other labels' values once those that clients choose have been given up. */
const reserve = 1_000;

/** OpenCensus drops a measurement with a longer value. */
const maxValueBytes = 255;

/** A metric with all its series. */
export class Family<S> {
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
  readonly #create: () => S;
  readonly #limits: FamilyLimits;
  readonly #labels: readonly string[];
  readonly #open: readonly boolean[];
  /** Indices of the labels in the byte order of their names. */
  readonly #order: readonly number[];
  readonly #series = new Map<string, S>();
  #overflowed = false;

  constructor(parts: FamilyParts<S>, limits: FamilyLimits) {
    this.name = parts.name;
    this.type = parts.type;
    this.help = parts.help;
    this.#labels = parts.labels;
    this.#create = parts.create;
    this.#limits = limits;
    this.#open = parts.labels.map((label) => parts.open?.includes(label) ?? false);
    this.#order = parts.labels
      .map((label, index) => ({ label, index }))
      .sort((one, other) => (one.label < other.label ? -1 : 1))
      .map(({ index }) => index);
  }

  /** Number of series. */
  get size(): number {
    return this.#series.size;
  }

  /**
   * The series of these values, made when there is none yet. Look it up once and keep it.
   * `undefined` when a value can be no label: the recording is dropped, as in Dapr.
   */
  series(...values: readonly string[]): S | undefined {
    const rewritten = this.#limits.rules.apply(this.name, this.#labels, values);
    if (!rewritten.every(isLabelValue)) return undefined;
    const key = this.#text(rewritten);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const { maxSeries } = this.#limits;
    if (this.#series.size < maxSeries) return this.#add(key);
    this.#tellOverflow();
    const isFull = this.#series.size >= maxSeries + reserve;
    const shared = rewritten.map((value, index) =>
      this.#open[index] || (isFull && this.#labels[index] !== "app_id") ? overflowValue : value,
    );
    const sharedKey = this.#text(shared);
    return this.#series.get(sharedKey) ?? this.#add(sharedKey);
  }

  *views(): Generator<SeriesView<S>> {
    for (const [labels, series] of this.#series) yield { labels, series };
  }

  #add(key: string): S {
    const series = this.#create();
    this.#series.set(key, series);
    return series;
  }

  #text(values: readonly string[]): string {
    return this.#order
      .map((index) => `${this.#labels[index]}="${escaped(values[index] as string)}"`)
      .join(",");
  }

  #tellOverflow(): void {
    if (this.#overflowed) return;
    this.#overflowed = true;
    this.#limits.onOverflow(this.name);
  }
}

/** Printable ASCII of bounded length (OpenCensus `tag/validate.go`). */
function isLabelValue(value: string): boolean {
  return value.length <= maxValueBytes && /^[\x20-\x7e]*$/.test(value);
}

function escaped(value: string): string {
  return /["\\]/.test(value) ? value.replace(/["\\]/g, "\\$&") : value;
}
