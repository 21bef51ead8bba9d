import { OutriggerError } from "@outrigger/core";
import { functionIn } from "../packages/function-in.ts";
import { loadPackage } from "../packages/load-package.ts";
import { guardedResolver } from "./guarded-resolver.ts";
import { makeResolver, type ResolverMaker } from "./resolver-maker.ts";
import { labelOf, type ResolverChoice } from "./resolver-plan.ts";

/**
 * Loads a resolver from any package: one that exports a function `resolver(options)`.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` that says what to do.
 */
export async function npmResolver(
  choice: ResolverChoice,
  configFiles: readonly string[],
): Promise<ResolverMaker> {
  const { folder, exports } = await loadPackage(choice.component, configFiles);
  const factory = functionIn(exports, "resolver");
  if (factory === undefined) {
    const names = Object.keys(exports).join(", ") || "nothing";
    throw new OutriggerError(
      `${choice.component}: ${folder} exports no function named resolver (it exports ${names}): it is no resolver package, or it must add "export { yourFactory as resolver }"`,
      { code: "OTR_OPTIONS_INVALID" },
    );
  }
  const label = labelOf(choice);
  const make = makeResolver(label, factory, choice.configuration ?? {});
  return (context) => guardedResolver(make(context), label, context.log);
}
