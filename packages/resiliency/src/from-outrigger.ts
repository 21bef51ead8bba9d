import { errorText } from "@outrigger/core";
import { parseGoDuration } from "./go-duration.ts";
import type { HedgeOptions } from "./options.ts";
import type { RetryBudgetOptions } from "./retry-budget.ts";

/** Reads a policy that a Resiliency resource has under `hedges`. */
export function readHedge(
  name: string,
  { delay, maxAttempts }: { readonly delay: string; readonly maxAttempts: number | undefined },
): HedgeOptions {
  try {
    const delayMs = parseGoDuration(delay);
    if (delayMs < 0) throw new Error(`delay ${delay} is negative`);
    if (maxAttempts !== undefined && (maxAttempts < 2 || maxAttempts > 5)) {
      throw new Error(`maxAttempts ${maxAttempts} is not between 2 and 5`);
    }
    return { delayMs, maxAttempts };
  } catch (reason) {
    throw new Error(`invalid hedge configuration ${JSON.stringify(name)}: ${errorText(reason)}`);
  }
}

/** Reads `retryBudget` of a Resiliency resource. */
export function readBudget(budget: {
  readonly ratio: string;
  readonly minPerSecond: string;
}): RetryBudgetOptions {
  return {
    ratio: share("ratio", budget.ratio),
    minPerSecond: share("minPerSecond", budget.minPerSecond),
  };
}

function share(field: string, text: string): number | undefined {
  if (text === "") return undefined;
  const value = Number(text);
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new Error(`invalid retry budget: ${field} must be a number of 0 or more (got ${text})`);
}
