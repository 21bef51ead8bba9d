import { errorText, parseTarget } from "@outrigger/core";
import { bool, list, text } from "../flags/flag-builders.ts";
import type { FlagSpec } from "../flags/flag-spec.ts";
import { flagValues } from "../flags/flag-values.ts";
import { isFlagError, parseFlags } from "../flags/parse-flags.ts";
import type { SidecarMode } from "../flags/sidecar-options.ts";
import { formatUsage } from "../flags/usage.ts";
import type { Environment } from "../flags/validate-options.ts";

const specs: readonly FlagSpec[] = [
  text("namespace", "", "Namespace of the app; NAMESPACE or default when it is left out"),
  list("config", "Configuration file, as the sidecar gets it; may be repeated"),
  text("mode", "standalone", "Where the sidecar runs: standalone or kubernetes"),
  { name: "timeout", type: "duration", default: 5_000, help: "Longest time for each resolver" },
  bool("json", "Print one JSON object"),
];

const introduction = `Shows what each name resolver answers for an app, how long that takes, and why one is skipped.

Usage: outrigger resolve <app-id> [flags]

Exit code: 0 when the sidecar would find the app, 1 when not, 2 for wrong usage.

`;

/** What the command line asks for. */
export interface ResolveOptions {
  readonly appId: string;
  readonly namespace: string;
  readonly configFiles: readonly string[];
  readonly mode: SidecarMode;
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** The options, or the text to print and the exit code. */
export type ResolveCommandLine =
  | { readonly kind: "run"; readonly options: ResolveOptions }
  | { readonly kind: "exit"; readonly exitCode: number; readonly text: string };

/** Reads the command line of `outrigger resolve`. */
export function readResolveOptions(argv: readonly string[], env: Environment): ResolveCommandLine {
  const parsed = parseFlags(argv, specs);
  const usage = introduction + formatUsage("outrigger resolve", specs);
  if (isFlagError(parsed)) {
    if (parsed.error === undefined) return { kind: "exit", exitCode: 0, text: usage };
    return wrong(parsed.error);
  }
  const values = flagValues(parsed);
  const [target, ...more] = parsed.positionals;
  if (target === undefined || more.length > 0) return wrong("exactly one app id is needed");
  const mode = values.text("mode");
  if (mode !== "standalone" && mode !== "kubernetes") {
    return wrong(`--mode: must be standalone or kubernetes (got ${mode})`);
  }
  const timeoutMs = values.number("timeout");
  if (!(timeoutMs >= 1 && timeoutMs <= 600_000)) return wrong("--timeout: must be 1ms to 10m");
  const app = targetOf(target, values.text("namespace") || env.NAMESPACE || "default");
  if (typeof app === "string") return wrong(app);
  const configFiles = values.list("config");
  return {
    kind: "run",
    options: { ...app, mode, timeoutMs, configFiles, json: values.bool("json") },
  };
}

/** The app that the id means as the target of a call, or what is wrong with it. */
function targetOf(
  id: string,
  namespace: string,
): Pick<ResolveOptions, "appId" | "namespace"> | string {
  try {
    const target = parseTarget(id, namespace);
    if (target.kind === "url") return `${id} is an address, it needs no name resolution`;
    return { appId: target.appId, namespace: target.namespace };
  } catch (reason) {
    return errorText(reason);
  }
}

function wrong(message: string): ResolveCommandLine {
  const text = `outrigger resolve: ${message}\nRun "outrigger resolve --help" for the flags.\n`;
  return { kind: "exit", exitCode: 2, text };
}
