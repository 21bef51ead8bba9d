import { type RunningConsole, startConsole } from "@outrigger/console";
import { errorText, isOutriggerError } from "@outrigger/core";
import type { Environment } from "../flags/validate-options.ts";
import { readConsoleOptions } from "./console-options.ts";

/** Where the command prints and what ends it; tests replace parts of it. */
export interface ConsoleSurroundings {
  readonly stdout?: (text: string) => void;
  readonly stderr?: (text: string) => void;
  /** Default the signals of a terminal. */
  readonly signal?: AbortSignal;
}

/** Serves the console until a signal. Returns the exit code: 1 when it cannot start, 2 for wrong usage. */
export async function runConsole(
  argv: readonly string[],
  env: Environment,
  surroundings: ConsoleSurroundings = {},
): Promise<number> {
  const stdout = surroundings.stdout ?? ((text) => process.stdout.write(text));
  const stderr = surroundings.stderr ?? ((text) => process.stderr.write(text));
  const commandLine = readConsoleOptions(argv, env);
  if (commandLine.kind === "exit") {
    (commandLine.exitCode === 0 ? stdout : stderr)(commandLine.text);
    return commandLine.exitCode;
  }
  let running: RunningConsole;
  try {
    running = await startConsole({ ...commandLine.options, env });
  } catch (reason) {
    stderr(`outrigger console: ${errorText(reason)}\n`);
    return isOutriggerError(reason, "OTR_OPTIONS_INVALID") ? 2 : 1;
  }
  stdout(`The console is at ${running.url}\nCtrl-C ends it.\n`);
  await ended(surroundings.signal);
  await running.close();
  return 0;
}

function ended(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    const end = (): void => {
      for (const name of names) process.off(name, end);
      resolve();
    };
    if (signal?.aborted) return resolve();
    if (signal !== undefined) signal.addEventListener("abort", end, { once: true });
    else for (const name of names) process.on(name, end);
  });
}
