import { type AnyFamily, exposition } from "./exposition.ts";
import { Family, type FamilyLimits } from "./family.ts";
import type { Bounds } from "./histogram.ts";
import { Histogram, Sample } from "./series.ts";

/** What makes a family, beside its kind. */
export interface FamilyDescription {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Labels whose values clients choose. */
  readonly open?: readonly string[];
}

/** The families of one process. */
export class Registry {
  readonly #families: AnyFamily[] = [];
  readonly #limits: FamilyLimits;

  constructor(limits: FamilyLimits) {
    this.#limits = limits;
  }

  counter(description: FamilyDescription): Family<Sample> {
    return this.#sample("counter", description);
  }

  gauge(description: FamilyDescription): Family<Sample> {
    return this.#sample("gauge", description);
  }

  histogram(description: FamilyDescription, bounds: Bounds): Family<Histogram> {
    const create = (): Histogram => new Histogram(bounds);
    const family = new Family({ ...description, type: "histogram", create }, this.#limits);
    this.#families.push(family);
    return family;
  }

  /** Number of all series. */
  get size(): number {
    return this.#families.reduce((total, family) => total + family.size, 0);
  }

  render(): string {
    return exposition(this.#families);
  }

  #sample(type: "counter" | "gauge", description: FamilyDescription): Family<Sample> {
    const create = (): Sample => new Sample();
    const family = new Family({ ...description, type, create }, this.#limits);
    this.#families.push(family);
    return family;
  }
}
