import type { AppChannel } from "./app-channel.ts";
import type { AppHealth } from "./app-health.ts";
import { errorText } from "./errors.ts";
import { within } from "./invocation/abortable.ts";
import type { Logger } from "./logger.ts";

/** A slow first probe holds readiness up for this long: the sidecar can invoke others meanwhile. */
const firstProbeMs = 250;

/** What the start of the app is watched with. */
export interface AppStartParts {
  readonly channel: AppChannel;
  /** Port of the app, for the log. */
  readonly port: number;
  readonly health: AppHealth;
  readonly log: Logger;
}

/** What becomes known while the app starts. */
export interface AppStartEvents {
  /** The app accepts connections. */
  onListening(): void;
  /** The app is healthy for the first time; without probes that is at once. */
  onHealthy(): void;
}

/** Waits until the app listens, then probes it until the signal aborts. The healthy app is greeted. */
export async function followApp(
  parts: AppStartParts,
  events: AppStartEvents,
  signal: AbortSignal,
): Promise<void> {
  await awaitListening(parts, signal);
  const onHealthy = (): void => {
    events.onHealthy();
    greet(parts, signal);
  };
  let watching: Promise<void> = Promise.resolve();
  const probed = new Promise<void>((resolve) => {
    watching = parts.health.watch(parts.channel, onHealthy, signal, resolve);
    // It ends without a probe when the runtime stops.
    void watching.finally(resolve).catch(() => undefined);
  });
  // Who hears of readiness finds the app healthy, and not one that nobody has looked at yet.
  await within(probed, firstProbeMs);
  events.onListening();
  await watching;
}

async function awaitListening(
  { channel, port, log }: AppStartParts,
  signal: AbortSignal,
): Promise<void> {
  if (channel.waitUntilListening === undefined) return;
  log.log(
    "info",
    `application protocol: ${channel.protocol}. waiting on port ${port}.  This will block until the app is listening on that port.`,
  );
  await channel.waitUntilListening(signal);
  log.log("info", `application discovered on port ${port}`);
}

function greet({ channel, log }: AppStartParts, signal: AbortSignal): void {
  channel.greet?.(signal).catch((reason: unknown) => {
    if (!signal.aborted) log.log("warn", `greeting the app failed: ${errorText(reason)}`);
  });
}
