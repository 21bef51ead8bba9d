import { errorText, goPattern, type Logger } from "@outrigger/core";
import { goReplacement } from "./go-replacement.ts";

/** A rewriting of label values of one metric, as in Dapr's `metrics.rules`. */
export interface MetricRule {
  /** With or without `dapr_`; of gRPC families as exposed, or as `grpc.io_server_...`. */
  readonly name: string;
  readonly labels: readonly {
    readonly name: string;
    /** Pattern by the value that replaces what it matches. */
    readonly regex: Readonly<Record<string, string>>;
  }[];
}

interface Rewrite {
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** Longer values are dropped anyway after most rewritings; patterns shall not run over them. */
const maxInput = 4_096;

/** Rewrites label values on their way to a series: once per new series, never per call. */
export class LabelRules {
  readonly #byLabel = new Map<string, readonly Rewrite[]>();

  /** A pattern that cannot be understood is logged, and no rule is used then, as in Dapr. */
  constructor(rules: readonly MetricRule[], log: Logger) {
    try {
      for (const rule of rules) this.#add(rule);
    } catch (reason) {
      log.log("error", errorText(reason));
      this.#byLabel.clear();
    }
  }

  apply(family: string, labels: readonly string[], values: readonly string[]): readonly string[] {
    if (this.#byLabel.size === 0) return values;
    return values.map((value, index) => {
      const rewrites = this.#byLabel.get(`${plainName(family)} ${labels[index]}`);
      if (rewrites === undefined || value === "" || value.length > maxInput) return value;
      return rewrites.reduce(
        (text, { pattern, replacement }) => text.replace(pattern, replacement),
        value,
      );
    });
  }

  #add({ name, labels }: MetricRule): void {
    for (const label of labels) {
      const rewrites = Object.entries(label.regex).map(([replacement, source]) => ({
        pattern: compiled(name, source),
        replacement: goReplacement(replacement),
      }));
      // A later rule for the same label takes the place of an earlier one.
      this.#byLabel.set(`${plainName(name)} ${label.name}`, rewrites);
    }
  }
}

function compiled(rule: string, source: string): RegExp {
  try {
    return goPattern(source, "g");
  } catch (reason) {
    throw new Error(`failed to compile regex for rule ${rule}: ${errorText(reason)}`);
  }
}

/** One name for all ways to write it. */
function plainName(name: string): string {
  return name.replace(/^dapr_/, "").replace(/[^A-Za-z0-9]/g, "_");
}
