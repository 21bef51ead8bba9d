import { errorText, type LogLevel } from "@outrigger/core";
import { type FlagValues, flagValues } from "./flag-values.ts";
import { formatGoDuration } from "./go-duration.ts";
import { isFlagError, parseFlags } from "./parse-flags.ts";
import { parseQuantity } from "./quantity.ts";
import { sidecarFlags } from "./sidecar-flags.ts";
import { formatUsage } from "./usage.ts";
import { COMPATIBLE_DAPR_VERSION, PRODUCT_VERSION } from "./version.ts";

/** What the logger needs, known before anything else is checked. */
export interface LogSettings {
  readonly level: LogLevel;
  /** As given: Dapr prints it back. */
  readonly levelText: string;
  readonly json: boolean;
  /** `undefined` stands for standard output. */
  readonly file: string | undefined;
}

/** Flags that were read and whose sizes are known; not yet checked against each other. */
export interface SidecarCommandLine {
  readonly values: FlagValues;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  /** Names of given flags that have no effect here, for one debug line. */
  readonly ignoredFlags: readonly string[];
  /** Given flags of features that do not exist yet. */
  readonly laterFlags: readonly { readonly name: string; readonly feature: string }[];
}

/** What a command line asks for. `stderr` is written in every case; it may be empty. */
export type CommandLineOutcome =
  | {
      readonly kind: "exit";
      readonly exitCode: number;
      readonly stdout: string;
      readonly stderr: string;
    }
  /** Wait for the sidecar on this port of localhost, then exit with 0. */
  | { readonly kind: "wait"; readonly httpPort: string; readonly stderr: string }
  /** Log the message at level fatal and exit with 1. */
  | {
      readonly kind: "fatal";
      readonly message: string;
      readonly log: LogSettings;
      readonly stderr: string;
    }
  | {
      readonly kind: "run";
      readonly commandLine: SidecarCommandLine;
      readonly log: LogSettings;
      readonly stderr: string;
    };

/**
 * Reads the sidecar's command line, special invocations included, in Dapr's order of precedence.
 * @param argv the arguments without executable and script.
 */
export function readCommandLine(argv: readonly string[]): CommandLineOutcome {
  const parsed = parseFlags(argv, sidecarFlags);
  const notices = parsed.notices.map((line) => `${line}\n`).join("");
  if (isFlagError(parsed)) return usageExit(parsed.error, notices);
  const values = flagValues(parsed);
  const log = readLogSettings(values);
  const fatal = (message: string): CommandLineOutcome => ({
    kind: "fatal",
    message,
    log: { ...log, level: log.level ?? "info" },
    stderr: notices,
  });
  let sizes: { maxBodyBytes: number; maxHeaderBytes: number };
  try {
    sizes = readSizes(values);
    checkDisseminateTimeout(values);
  } catch (reason) {
    return fatal(`Failed to parse flags: ${errorText(reason)}`);
  }
  const special = readSpecial(values, notices);
  if (special !== undefined) return special;
  if (log.level === undefined) return fatal(`invalid value for --log-level: ${log.levelText}`);
  const commandLine = { values, ...sizes, ...effectless(values) };
  return { kind: "run", commandLine, log: { ...log, level: log.level }, stderr: notices };
}

function usageExit(error: string | undefined, notices: string): CommandLineOutcome {
  const usage = formatUsage("daprd", sidecarFlags);
  const stderr = `${notices}${usage}${error === undefined ? "" : `${error}\n`}`;
  return { kind: "exit", exitCode: error === undefined ? 0 : 2, stdout: "", stderr };
}

function readSpecial(values: FlagValues, stderr: string): CommandLineOutcome | undefined {
  const print = (stdout: string) => ({ kind: "exit", exitCode: 0, stdout, stderr }) as const;
  if (values.bool("version")) return print(`${COMPATIBLE_DAPR_VERSION}\n`);
  if (values.bool("build-info")) {
    return print(
      `Version: ${COMPATIBLE_DAPR_VERSION}\n` +
        `Git Commit: outrigger-${PRODUCT_VERSION}\n` +
        `Git Version: outrigger v${PRODUCT_VERSION}\n`,
    );
  }
  if (values.bool("wait")) {
    return { kind: "wait", httpPort: values.text("dapr-http-port"), stderr };
  }
  return undefined;
}

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal"];

function readLogSettings(
  values: FlagValues,
): Omit<LogSettings, "level"> & { level: LogLevel | undefined } {
  const levelText = values.text("log-level");
  const file = values.text("log-file");
  return {
    level: levels.find((level) => level === levelText.toLowerCase()),
    levelText,
    json: values.bool("log-as-json"),
    file: file === "" ? undefined : file,
  };
}

const defaultBodyBytes = 4 * 1024 * 1024;
const defaultHeaderBytes = 4 * 1024;

function readSizes(values: FlagValues): { maxBodyBytes: number; maxHeaderBytes: number } {
  const body = readSize(values, "max-body-size", "dapr-http-max-request-size", 1024 * 1024);
  const header = readSize(values, "read-buffer-size", "dapr-http-read-buffer-size", 1024);
  return {
    maxBodyBytes: body === -1 ? defaultBodyBytes : body,
    maxHeaderBytes: header === -1 ? defaultHeaderBytes : header,
  };
}

/** The quantity wins over the old flag, which counts in `unitBytes` and scales only what is positive. */
function readSize(values: FlagValues, name: string, oldName: string, unitBytes: number): number {
  let size: number;
  try {
    size = parseQuantity(values.text(name));
  } catch (cause) {
    throw new RangeError(`invalid value for '${name}' option: ${errorText(cause)}`, { cause });
  }
  if (values.given(name) || !values.given(oldName)) return size;
  const old = values.number(oldName);
  return old > 0 ? old * unitBytes : old;
}

function checkDisseminateTimeout(values: FlagValues): void {
  const name = "actors-disseminate-timeout";
  const timeoutMs = values.number(name);
  if (timeoutMs > 0) return;
  const got = formatGoDuration(timeoutMs);
  throw new RangeError(`invalid value for '${name}' option: must be positive, got ${got}`);
}

function effectless(values: FlagValues): Pick<SidecarCommandLine, "ignoredFlags" | "laterFlags"> {
  const given = sidecarFlags.filter((spec) => values.given(spec.name));
  return {
    ignoredFlags: given.filter((spec) => spec.ignored === true).map((spec) => spec.name),
    laterFlags: given.flatMap(({ name, later }) =>
      later === undefined ? [] : [{ name, feature: later }],
    ),
  };
}
