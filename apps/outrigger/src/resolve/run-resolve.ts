import { errorText } from "@outrigger/core";
import { loadConfiguration } from "@outrigger/resources";
import type { Environment } from "../flags/validate-options.ts";
import { planResolvers } from "../resolvers/resolver-plan.ts";
import { askResolvers } from "./ask-resolvers.ts";
import { endpointsInUse, formatJson, formatReport } from "./print-report.ts";
import { readResolveOptions } from "./resolve-options.ts";

/**
 * Asks the resolvers of a sidecar for an app and prints what they say. Returns the exit code: 0 when
 * the app was found, 1 when not, 2 for wrong usage.
 */
export async function runResolve(argv: readonly string[], env: Environment): Promise<number> {
  const commandLine = readResolveOptions(argv, env);
  if (commandLine.kind === "exit") {
    const { exitCode, text } = commandLine;
    (exitCode === 0 ? process.stdout : process.stderr).write(text);
    return exitCode;
  }
  const { options } = commandLine;
  try {
    const { configuration, warnings } = await loadConfiguration(options.configFiles, { env });
    for (const warning of warnings) process.stderr.write(`${warning}\n`);
    const plan = planResolvers(configuration.nameResolution, options.mode);
    const reports = await askResolvers(plan, options);
    const print = options.json ? formatJson : formatReport;
    process.stdout.write(print(options, reports));
    return endpointsInUse(reports).length > 0 ? 0 : 1;
  } catch (reason) {
    process.stderr.write(`outrigger resolve: ${errorText(reason)}\n`);
    return 2;
  }
}
