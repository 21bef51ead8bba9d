/** Time as the policies see it; a test owns it. */
export interface Clock {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** Calls back once after `delayMs`. Returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Node fires timers of more than 2^31 - 1 ms at once. */
const maxTimerMs = 2_147_483_647;

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, callback) => {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, maxTimerMs);
      timer = setTimeout(() => {
        if (leftMs > stepMs) wait(leftMs - stepMs);
        else callback();
      }, stepMs);
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
