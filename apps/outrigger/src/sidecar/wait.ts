const intervalMs = 100;
const requestTimeoutMs = 500;
const totalMs = 60_000;

/**
 * `--wait`: polls the outbound health route of localhost until it answers 204, for at most 60 s.
 * The exit code is 0 in any case, as Dapr's is.
 */
export async function waitForSidecar(httpPort: string): Promise<0> {
  const url = `http://localhost:${httpPort}/v1.0/healthz/outbound`;
  process.stderr.write(`Waiting for the sidecar: ${url}\n`);
  const endsAt = Date.now() + totalMs;
  while (Date.now() < endsAt) {
    if (await isReady(url)) {
      process.stderr.write("The sidecar is ready\n");
      return 0;
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  process.stderr.write(`The sidecar was not ready within ${totalMs / 1_000} s\n`);
  return 0;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(requestTimeoutMs) });
    await response.body?.cancel();
    return response.status === 204;
  } catch {
    // Refused or late: not ready yet, which is what the caller asks about.
    return false;
  }
}
