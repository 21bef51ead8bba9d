import { spawn } from "node:child_process";
import { delimiter, dirname } from "node:path";

/** How a command ended, with everything it printed. */
export interface CommandResult {
  /** Undefined when it was cut off. */
  readonly code: number | undefined;
  readonly output: string;
}

/** Where and how long a command may run. */
export interface CommandLimits {
  readonly cwd: string;
  readonly limitMs: number;
  /** The Node that it finds; the one that runs the tests when left out. */
  readonly node?: string;
}

/** Runs a command; ends it after the limit. Never rejects. */
export function runCommand(
  command: string,
  parameters: readonly string[],
  { cwd, limitMs, node = process.execPath }: CommandLimits,
): Promise<CommandResult> {
  const path = [dirname(node), process.env.PATH].join(delimiter);
  // Settings of the vitest that runs this test must not reach one that the command starts.
  const {
    VITEST: _,
    VITEST_POOL_ID: __,
    VITEST_WORKER_ID: ___,
    NODE_ENV: ____,
    ...env
  } = process.env;
  return new Promise((resolve) => {
    const child = spawn(command, parameters, {
      cwd,
      env: { ...env, PATH: path, FORCE_COLOR: "0", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = `${output}${text}`.slice(-20_000);
      });
    }
    const limit = setTimeout(() => child.kill("SIGKILL"), limitMs);
    child.on("error", (error) => {
      output += error.message;
    });
    child.on("close", (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? undefined, output });
    });
  });
}
