import { stat } from "node:fs/promises";
import type { Entry } from "./entry.ts";
import { type OwnProcess, startTicks } from "./own-process.ts";

/** Most heartbeats remembered; the oldest sighting goes first. */
const maxSightings = 4_096;

interface Sighting {
  readonly mtimeMs: number;
  /** On the clock that does not jump. */
  readonly seenAt: number;
}

/** Tells the files of running sidecars from those that a crash left behind. */
export class Liveness {
  readonly #own: OwnProcess;
  readonly #lifetimeMs: number;
  readonly #sightings = new Map<string, Sighting>();

  constructor(own: OwnProcess, lifetimeMs: number) {
    this.#own = own;
    this.#lifetimeMs = lifetimeMs;
  }

  async isAlive(path: string, entry: Entry): Promise<boolean> {
    const { startTicks: ownTicks, pidNamespace } = this.#own;
    if (ownTicks === undefined) return isRunning(entry.pid) && this.#beats(path);
    // The pids of another container mean other processes here.
    if (entry.pidNamespace !== pidNamespace) return this.#beats(path);
    return (await startTicks(entry.pid)) === entry.startTicks;
  }

  forget(path: string): void {
    this.#sightings.delete(path);
  }

  /** A heartbeat counts by when it was seen to change, so that a clock that jumps does no harm. */
  async #beats(path: string): Promise<boolean> {
    const status = await stat(path).catch(() => undefined);
    if (status === undefined) return false;
    const { mtimeMs } = status;
    const now = performance.now();
    const known = this.#sightings.get(path);
    if (known?.mtimeMs === mtimeMs) return now - known.seenAt <= this.#lifetimeMs;
    const oldest = this.#sightings.keys().next();
    if (this.#sightings.size >= maxSightings && !oldest.done) this.#sightings.delete(oldest.value);
    this.#sightings.set(path, { mtimeMs, seenAt: now });
    // The first sighting has only the file's own time to go by, which is the system's clock.
    return known !== undefined || Math.abs(Date.now() - mtimeMs) <= this.#lifetimeMs;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // Also EPERM: the process is somebody else's, so the pid has been given away again.
    return false;
  }
}
