import { stat } from "node:fs/promises";

/** How often files are looked at, in milliseconds. */
const defaultIntervalMs = 1_000;

/** A watch that runs until it is stopped. */
export interface FileWatch {
  stop(): void;
}

/**
 * Calls back when one of the files has changed, appeared or gone, whichever way it was replaced.
 * Polling sees through renames and the swapped links of Kubernetes volumes, which watches of the
 * system lose. The timer does not keep the process alive.
 */
export function watchFiles(
  paths: readonly string[],
  onChange: () => void,
  intervalMs: number = defaultIntervalMs,
): FileWatch {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let seen: string | undefined;
  const look = async (): Promise<void> => {
    const now = (await Promise.all(paths.map(fingerprint))).join("\n");
    if (stopped) return;
    if (seen !== undefined && seen !== now) onChange();
    seen = now;
    timer = setTimeout(() => void look(), intervalMs);
    timer.unref();
  };
  void look();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function fingerprint(path: string): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch {
    // A file that is away for a moment is about to be replaced.
    return "absent";
  }
}
