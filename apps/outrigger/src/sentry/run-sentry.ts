import type { CertificateAuthority } from "@outrigger/certificate-authority";
import { errorText, type Logger, type LogLevel } from "@outrigger/core";
import { createLogger, type LogSink, parseLogLevel, stdoutSink } from "@outrigger/logging";
import { type MetricsServer, metricsServer } from "@outrigger/metrics-prometheus";
import { type FlagValues, flagValues } from "../flags/flag-values.ts";
import { isFlagError, parseFlags } from "../flags/parse-flags.ts";
import { formatUsage } from "../flags/usage.ts";
import type { Environment } from "../flags/validate-options.ts";
import { COMPATIBLE_DAPR_VERSION, PRODUCT_VERSION } from "../flags/version.ts";
import { StopRequests } from "../sidecar/stop-requests.ts";
import { composeAuthority } from "./compose-authority.ts";
import { refuseRoot } from "./refuse-root.ts";
import { sentryFlags } from "./sentry-flags.ts";
import { readSentryOptions, type SentryOptions } from "./sentry-options.ts";

/**
 * Runs the certificate authority from its command line until it ends. Returns the exit code: 0 after
 * a graceful end, 1 after a failure, 2 for wrong usage.
 */
export async function runSentry(argv: readonly string[], env: Environment): Promise<number> {
  const parsed = parseFlags(argv, sentryFlags);
  if (isFlagError(parsed)) {
    const usage = formatUsage("sentry", sentryFlags);
    process.stderr.write(parsed.error === undefined ? usage : `${usage}${parsed.error}\n`);
    return parsed.error === undefined ? 0 : 2;
  }
  const values = flagValues(parsed);
  const sink = stdoutSink();
  const levelText = values.text("log-level");
  const level = parseLogLevel(levelText);
  const log = openLog(values, sink, level ?? "info");
  try {
    if (level === undefined) {
      log.log("fatal", `invalid value for --log-level: ${levelText}`);
      return 1;
    }
    log.log(
      "info",
      `Starting Dapr Sentry certificate authority -- version ${COMPATIBLE_DAPR_VERSION} -- commit outrigger-${PRODUCT_VERSION}`,
    );
    log.log("info", `Log level set to: ${levelText}`);
    return await runToEnd(values, log, env);
  } finally {
    sink.close();
  }
}

function openLog(values: FlagValues, sink: LogSink, level: LogLevel): Logger {
  const color = process.stdout.isTTY === true && !process.env.NO_COLOR;
  const format = values.bool("log-as-json") ? "json" : color ? "color" : "text";
  return createLogger({
    format,
    level,
    version: COMPATIBLE_DAPR_VERSION,
    sink,
    scope: "dapr.sentry",
  });
}

async function runToEnd(values: FlagValues, log: Logger, env: Environment): Promise<number> {
  const stops = new StopRequests(log);
  try {
    for (;;) {
      const reason = await runOnce(values, log, env, stops);
      if (reason !== "restart") break;
    }
    log.log("info", "Sentry shut down gracefully");
    return 0;
  } catch (reason) {
    log.log("fatal", `Fatal error running sentry: ${errorText(reason)}`);
    return 1;
  } finally {
    stops.close();
  }
}

/** One life of the authority. @returns why it ended. */
async function runOnce(
  values: FlagValues,
  log: Logger,
  env: Environment,
  stops: StopRequests,
): Promise<string> {
  const starting = new AbortController();
  const stop = stops.next();
  void stop.then(() => starting.abort());
  const options = readSentryOptions(values, env);
  refuseRoot(options.mode, env);
  const authority = await composeAuthority(options, env, log);
  const metrics = metricsOf(authority, options, log);
  try {
    await metrics?.start?.(starting.signal);
    const ports = await authority.start(starting.signal);
    log.log("info", `Sentry is running on port ${ports.grpc}`);
  } catch (reason) {
    await Promise.all([authority.stop(0), metrics?.stop?.()]);
    if (starting.signal.aborted) return stop;
    throw reason;
  }
  const reason = await stop;
  log.log("info", "Sentry is shutting down");
  await Promise.all([authority.stop(), metrics?.stop?.()]);
  return reason;
}

function metricsOf(
  authority: CertificateAuthority,
  { metrics: listen }: SentryOptions,
  log: Logger,
): MetricsServer | undefined {
  if (listen === undefined) return undefined;
  const host = listen.host.replace(/^\[(.*)\]$/, "$1");
  const render = (): string => authority.renderMetrics();
  return metricsServer({ host, port: listen.port, render, log: log.scope("dapr.metrics") });
}
