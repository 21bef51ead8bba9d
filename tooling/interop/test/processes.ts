import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { waitFor } from "../../../apps/outrigger/test/e2e/mesh.ts";

const folder = join(import.meta.dirname, "..");
const limitMs = 40_000;

/** A started app. */
export interface AppProcess {
  /** Waits for the line "ready" on standard output. @throws Error with what it printed. */
  ready(): Promise<void>;
  end(): Promise<void>;
}

/** The interpreter of the prepared environment. @throws Error when the tests run without it. */
export function python(): string {
  const path = process.env.INTEROP_PYTHON;
  if (path === undefined) throw new Error("start these tests with `npm run interop`");
  return path;
}

/** Starts `apps/<file>` or `python/<file>`; its ports are in the environment. */
export function startApp(
  file: string,
  parameters: readonly string[],
  env: Readonly<Record<string, string>>,
): AppProcess {
  const command = file.endsWith(".py") ? python() : process.execPath;
  const child = spawn(command, [join(folder, file), ...parameters], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    ready: () =>
      waitFor(async () => {
        if (hasEnded(child)) throw new Error(`${file} ended: ${output}`);
        return output.includes("ready\n");
      }, `${file} to be ready: ${output}`),
    end: () => {
      if (!hasEnded(child)) child.kill("SIGKILL");
      return ended;
    },
  };
}

/** Runs a Python script of this folder to its end and parses its last line. */
export async function runPython(
  file: string,
  parameters: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<unknown> {
  const stdout = await run(python(), [join(folder, "python", file), ...parameters], env);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

/** Runs a command to its end. @returns its standard output @throws Error when it fails. */
export async function run(
  command: string,
  parameters: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(command, [...parameters], {
    env: { ...process.env, ...env },
    timeout: limitMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
