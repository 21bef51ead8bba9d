import type { Logger, Runtime } from "@outrigger/core";
import { formatGoDuration } from "../flags/go-duration.ts";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import { type HotReload, startHotReload } from "./hot-reload.ts";
import type { KnownResources } from "./known-resources.ts";
import { rehearse } from "./rehearse.ts";
import { startRuntime } from "./start-runtime.ts";
import type { StopReason, StopRequests } from "./stop-requests.ts";

/** What a session works with beside its options. */
export interface SessionParts {
  readonly log: Logger;
  readonly env: Record<string, string | undefined>;
  readonly stops: StopRequests;
  /** What earlier lives of this process learned about the files. */
  readonly known: KnownResources;
}

/** How long a forced end leaves the answer to the client that asked for it. */
const forceDelayMs = 100;

/** How long closing everything may take after that. */
const forceExitMs = 500;

/** Node fires timers of more than 2^31 - 1 ms at once. */
const maxTimerMs = 2_147_483_647;

/**
 * One life of the runtime: from its options to its end. Returns the exit code, or `restart` when
 * a hangup signal asked for a new life.
 * @throws OutriggerError when the sidecar cannot start.
 */
export async function runSession(
  options: SidecarOptions,
  parts: SessionParts,
): Promise<number | "restart"> {
  const { log, stops } = parts;
  const starting = new AbortController();
  const stop = stops.next();
  void stop.then(() => starting.abort());
  // A copy: the files are read again as they were read first, whatever this life adds.
  const env = { ...parts.env };
  const running = await startRuntime(options, { ...parts, readEnv: env }, starting.signal);
  if (running === undefined) return endedEarly(await stop, log);
  const { runtime, components } = running;
  const reload = startHotReload(options, {
    ...parts,
    env,
    components,
    rehearse: (resources) => rehearse(options, resources, { ...parts, env }),
  });
  return serve(options, runtime, stop, reload, parts);
}

/** From a started runtime to its end. */
async function serve(
  options: SidecarOptions,
  runtime: Runtime,
  stop: Promise<StopReason>,
  reload: HotReload,
  parts: SessionParts,
): Promise<number | "restart"> {
  const { log, stops } = parts;
  const reason = await stop;
  reload.close();
  if (reason === "force") return forceEnd(runtime, log);
  const cancelForce = stops.onLater((later) => {
    // Somebody has lost patience with the end that is under way.
    if (later === "force") void forceEnd(runtime, log).then((code) => process.exit(code));
  });
  try {
    if (reason === "api") log.log("info", "Shutdown requested via API");
    else await block(options, runtime, parts);
    return await finish(options, runtime, reason, log);
  } finally {
    cancelForce();
  }
}

/** Returns the exit code of a forced end. */
async function forceEnd(runtime: Runtime, log: Logger): Promise<number> {
  log.log("info", "Force shutdown requested, exiting immediately without graceful shutdown");
  await pause(forceDelayMs);
  await cutOff(runtime);
  return 1;
}

/** Open sockets would keep the process alive, so they are closed; one that resists is left to its end. */
async function cutOff(runtime: Runtime): Promise<void> {
  const timer = setTimeout(() => process.exit(1), forceExitMs);
  await runtime.stop({ drainMs: 0 });
  clearTimeout(timer);
}

function endedEarly(reason: StopReason, log: Logger): number | "restart" {
  if (reason === "restart") return "restart";
  if (reason === "force") return 1;
  log.log("info", "Daprd shutdown gracefully");
  return 0;
}

/** Keeps serving for a while after the signal, so that work which depends on it can end first. */
async function block(
  options: SidecarOptions,
  runtime: Runtime,
  { log, stops }: SessionParts,
): Promise<void> {
  const { blockShutdownMs } = options;
  if (blockShutdownMs === undefined) return;
  const duration = formatGoDuration(blockShutdownMs);
  log.log("info", `Blocking graceful shutdown for ${duration} or until app reports unhealthy...`);
  runtime.holdUnready("security-provider");
  const why = await endOfBlock(runtime, blockShutdownMs, stops);
  log.log("info", `${why}, entering shutdown...`);
}

/** Resolves with the reason for which the block ends. */
function endOfBlock(runtime: Runtime, timeoutMs: number, stops: StopRequests): Promise<string> {
  const unhealthy = "App reported unhealthy";
  if (!runtime.appHealth.healthy) return Promise.resolve(unhealthy);
  return new Promise((resolve) => {
    const end = (why: string): void => {
      clearTimeout(timer);
      for (const release of releases) release();
      resolve(why);
    };
    const timer = setTimeout(
      () => end("Block shutdown period expired"),
      Math.min(timeoutMs, maxTimerMs),
    );
    const releases = [
      runtime.appHealth.onUnhealthy(() => end(unhealthy)),
      // The shutdown API does not wait for the block, nor does the signal after a hangup.
      stops.onLater((reason) => {
        if (reason === "api") end("Shutdown requested via API");
        if (reason === "signal") end("Received a signal");
      }),
    ];
  });
}

async function finish(
  options: SidecarOptions,
  runtime: Runtime,
  reason: StopReason,
  log: Logger,
): Promise<number | "restart"> {
  log.log("info", "Dapr is shutting down");
  if (options.gracefulShutdownMs === undefined) {
    log.log("warn", "Graceful shutdown timeout is infinite, will wait indefinitely to shutdown");
  }
  const drainMs = options.gracefulShutdownMs ?? Number.POSITIVE_INFINITY;
  const { drained } = await runtime.stop({ drainMs });
  if (!drained) {
    log.log("fatal", "Graceful shutdown timeout exceeded, forcing shutdown");
    return 1;
  }
  log.log("info", "Dapr runtime stopped");
  if (reason === "restart") return "restart";
  log.log("info", "Daprd shutdown gracefully");
  return 0;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
