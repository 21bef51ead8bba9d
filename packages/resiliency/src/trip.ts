import { Environment } from "@marcbachmann/cel-js";

/** What a breaker counts. All of it begins anew with every change of state. */
export interface Counts {
  /** Calls let through, those under way included. */
  readonly requests: number;
  readonly totalSuccesses: number;
  readonly totalFailures: number;
  readonly consecutiveSuccesses: number;
  readonly consecutiveFailures: number;
}

/** Whether a breaker opens. */
export type Trip = (counts: Counts) => boolean;

const names = [
  "requests",
  "totalSuccesses",
  "totalFailures",
  "consecutiveSuccesses",
  "consecutiveFailures",
] as const;

let environment: Environment | undefined;

/**
 * Compiles a CEL expression over the counts. A name that it does not know makes an expression that
 * never trips, as in Dapr.
 * @param expression empty: the sixth failure in a row.
 * @throws Error for wrong syntax or types.
 */
export function compileTrip(expression: string): Trip {
  if (expression === "") return ({ consecutiveFailures }) => consecutiveFailures > 5;
  const program = celEnvironment().parse(expression);
  const { valid, error } = program.check();
  if (!valid) throw new Error(firstLine(error?.message ?? "invalid expression"));
  return (counts) => {
    try {
      // CEL's integers have 64 bits and divide without a remainder.
      return (
        program(Object.fromEntries(names.map((name) => [name, BigInt(counts[name])]))) === true
      );
    } catch {
      return false;
    }
  };
}

function celEnvironment(): Environment {
  if (environment !== undefined) return environment;
  environment = new Environment({ unlistedVariablesAreDyn: true });
  for (const name of names) environment.registerVariable(name, "int");
  return environment;
}

/** The rest draws an arrow below the expression. */
function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
