import type { Logger } from "@outrigger/core";
import type { LeveledLogger } from "@outrigger/logging";

/** Whether a logger can be told to write whatever `--log-level` says. */
export function isLeveled(log: Logger): log is Logger & Pick<LeveledLogger, "withLevel"> {
  return "withLevel" in log;
}
