import type { LeveledLogger } from "@outrigger/logging";

/**
 * Lets SIGUSR2 switch the log between `debug` and the level that it was started with, so that a
 * sidecar which misbehaves can be watched without a restart. Windows has no such signal.
 * @returns what ends it.
 */
export function switchLogLevelOnSignal(log: LeveledLogger): () => void {
  const { level } = log;
  const onSignal = (): void => {
    log.setLevel(log.level === "debug" ? level : "debug");
    // Told at a level that passes in any case.
    log.withLevel("info").log("info", `Log level set to: ${log.level}`);
  };
  if (process.platform === "win32") return () => undefined;
  process.on("SIGUSR2", onSignal);
  return () => process.off("SIGUSR2", onSignal);
}
