import { errorText } from "@outrigger/core";
import {
  createLogger,
  fileSink,
  type LeveledLogger,
  type LogSink,
  stdoutSink,
} from "@outrigger/logging";
import { type LogSettings, readCommandLine } from "../flags/read-command-line.ts";
import { type Environment, validateOptions } from "../flags/validate-options.ts";
import { COMPATIBLE_DAPR_VERSION, PRODUCT_VERSION } from "../flags/version.ts";
import { KnownResources } from "./known-resources.ts";
import { switchLogLevelOnSignal } from "./log-level-switch.ts";
import { runSession } from "./session.ts";
import { StopRequests } from "./stop-requests.ts";
import { waitForSidecar } from "./wait.ts";

/**
 * Runs a sidecar from its command line until it ends. Returns the exit code: 0 after a graceful
 * end, 1 after a failure or a forced one, 2 for wrong usage.
 */
export async function runSidecar(argv: readonly string[], env: Environment): Promise<number> {
  const outcome = readCommandLine(argv);
  if (outcome.stderr !== "") process.stderr.write(outcome.stderr);
  if (outcome.kind === "exit") {
    if (outcome.stdout !== "") process.stdout.write(outcome.stdout);
    return outcome.exitCode;
  }
  if (outcome.kind === "wait") return waitForSidecar(outcome.httpPort);
  const opened = openLog(outcome.log);
  if (opened === undefined) return 1;
  const { log, sink } = opened;
  try {
    if (outcome.kind === "fatal") {
      log.log("fatal", outcome.message);
      return 1;
    }
    return await runToEnd(outcome, log, env);
  } finally {
    sink.close();
  }
}

function openLog(settings: LogSettings): { log: LeveledLogger; sink: LogSink } | undefined {
  const { file, json, level } = settings;
  try {
    const sink = file === undefined ? stdoutSink() : fileSink(file);
    const color = file === undefined && process.stdout.isTTY === true && !process.env.NO_COLOR;
    const format = json ? "json" : color ? "color" : "text";
    return { log: createLogger({ format, level, version: COMPATIBLE_DAPR_VERSION, sink }), sink };
  } catch (reason) {
    process.stderr.write(`${errorText(reason)}\n`);
    return undefined;
  }
}

async function runToEnd(
  { commandLine, log: settings }: Extract<ReturnType<typeof readCommandLine>, { kind: "run" }>,
  log: LeveledLogger,
  env: Environment,
): Promise<number> {
  log.setAppId(commandLine.values.text("app-id"));
  log.log(
    "info",
    `Starting Dapr Runtime -- version ${COMPATIBLE_DAPR_VERSION} -- commit outrigger-${PRODUCT_VERSION}`,
  );
  log.log("info", `Log level set to: ${settings.levelText}`);
  if (commandLine.ignoredFlags.length > 0) {
    const names = commandLine.ignoredFlags.join(", ");
    log.log("debug", `Flags of building blocks outside service invocation are ignored: ${names}`);
  }
  for (const { name, feature } of commandLine.laterFlags) {
    log.log("info", `--${name} has no effect: ${feature} is not part of this version`);
  }
  const stops = new StopRequests(log);
  const endSwitch = switchLogLevelOnSignal(log);
  try {
    const options = validateOptions(commandLine, env);
    // A copy: each life of the sidecar adds to it, and the next one reads what it added.
    const own = { ...env };
    const known = new KnownResources();
    for (;;) {
      const ending = await runSession(options, { log, env: own, stops, known });
      if (ending !== "restart") return ending;
    }
  } catch (reason) {
    log.log("fatal", `Fatal error from runtime: ${errorText(reason)}`);
    return 1;
  } finally {
    endSwitch();
    stops.close();
  }
}
