const pollEveryMs = 50;
const probeTimeoutMs = 2_000;

/**
 * Resolves when the sidecar on a port says that it is ready, app included.
 * @throws the signal's reason when it aborts first.
 */
export async function waitUntilHealthy(httpPort: number, signal: AbortSignal): Promise<void> {
  while (!(await isHealthy(httpPort, signal))) await pause(pollEveryMs, signal);
}

async function isHealthy(httpPort: number, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  try {
    const response = await fetch(`http://127.0.0.1:${httpPort}/v1.0/healthz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]),
    });
    await response.body?.cancel();
    return response.status === 204;
  } catch {
    // Not listening yet, or too slow to answer: asked again. An abort shows at the next turn.
    return false;
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal.addEventListener("abort", end);
  });
}
