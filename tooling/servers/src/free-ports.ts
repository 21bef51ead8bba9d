import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that systems hand out by themselves (32768 and up on Linux, 49152 elsewhere): one
 * of those could go to any connection or server between the look and the use.
 */
const firstPort = 10_000;

/** Vitest's workers run at the same time; each has a range of its own. */
const portsPerWorker = 1_000;
const workers = 10;

let next = process.pid % portsPerWorker;

/**
 * TCP ports of 127.0.0.1 that nobody listens on, all different, and different from those that this
 * process was given lately.
 * @throws Error when the range of this worker has not so many.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const begin = firstPort + (Number(process.env.VITEST_POOL_ID ?? 0) % workers) * portsPerWorker;
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried += 1) {
    if (tried === portsPerWorker) {
      throw new Error(`no ${count} free ports from ${begin} to ${begin + portsPerWorker - 1}`);
    }
    const port = begin + next;
    next = (next + 1) % portsPerWorker;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
