import type { FlagSpec } from "../flags/flag-spec.ts";
import { isFlagError, parseFlags } from "../flags/parse-flags.ts";
import { formatUsage } from "../flags/usage.ts";

const specs: readonly FlagSpec[] = [
  { name: "orders", type: "int", default: 10, help: "Orders to send" },
  {
    name: "keep",
    type: "bool",
    default: false,
    help: "Keep running until Ctrl-C, to try things out",
  },
];

/** What the demo's command line asks for. */
export type DemoCommandLine =
  | { readonly kind: "run"; readonly orders: number; readonly keep: boolean }
  | { readonly kind: "exit"; readonly exitCode: number; readonly text: string };

/** Reads the demo's command line. */
export function readDemoOptions(argv: readonly string[]): DemoCommandLine {
  const parsed = parseFlags(argv, specs);
  const usage = formatUsage("outrigger demo", specs);
  if (isFlagError(parsed)) {
    const { error } = parsed;
    return error === undefined
      ? { kind: "exit", exitCode: 0, text: usage }
      : { kind: "exit", exitCode: 2, text: `${usage}${error}\n` };
  }
  const orders = Number(parsed.values.get("orders"));
  if (orders < 1 || orders > 10_000) {
    const text = `${usage}--orders: must be 1 to 10000 (got ${orders})\n`;
    return { kind: "exit", exitCode: 2, text };
  }
  return { kind: "run", orders, keep: parsed.values.get("keep") === true };
}
