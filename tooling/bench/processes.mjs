import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";

const ticksPerSecond = 100; // USER_HZ, fixed in Linux's interface to user space
const logCharacters = 4_000;
const running = new Set();

/** Starts a process of the benchmark. It ends with `stop`, or with the benchmark. */
export function start(command, { env = {}, cwd } = {}) {
  const [program, ...parameters] = command;
  const startedAt = performance.now();
  const child = spawn(program, parameters, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const handle = { child, pid: child.pid, startedAt, log: "", ended: undefined };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      handle.log = `${handle.log}${text}`.slice(-logCharacters);
    });
  }
  handle.closed = new Promise((resolve) => {
    const close = (why) => {
      handle.ended = String(why);
      running.delete(handle);
      resolve();
    };
    child.on("error", (error) => close(error.message));
    child.on("exit", (code, signal) => close(signal ?? `exit code ${code}`));
  });
  running.add(handle);
  return handle;
}

/** Asks the process to end, then makes it. */
export async function stop(handle) {
  if (handle.ended !== undefined) return;
  handle.child.kill("SIGTERM");
  const hard = setTimeout(() => handle.child.kill("SIGKILL"), 6_000);
  await handle.closed;
  clearTimeout(hard);
}

export async function stopAll() {
  await Promise.all([...running].map(stop));
}

process.on("exit", () => {
  for (const { child } of running) child.kill("SIGKILL");
});

/** Processor time that a process has used, in microseconds; steps of 10 ms. */
export function cpuMicros(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces; utime and stime are fields 14 and 15 of proc(5).
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond;
}

/** Resident memory in MB. */
export function residentMegabytes(pid) {
  return statusMegabytes(pid, "VmRSS");
}

/** Most resident memory in MB since the start, or since `resetPeak`. */
export function peakMegabytes(pid) {
  return statusMegabytes(pid, "VmHWM");
}

/** Sets the peak back to what is resident now (proc(5), clear_refs). */
export function resetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusMegabytes(pid, field) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1_024;
}

/** Ports that nobody listens on now. */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      return new Promise((resolve, reject) => {
        const server = createServer().on("error", reject);
        server.listen(0, "127.0.0.1", () => resolve(server));
      });
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/**
 * Asks a URL until it answers as wanted. Returns the milliseconds since the process started.
 * @throws Error when the process ends or the time is over.
 */
export async function waitFor(handle, url, wanted, { timeoutMs = 30_000, everyMs = 5 } = {}) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (handle.ended !== undefined)
      throw new Error(`process ended: ${handle.ended}\n${handle.log}`);
    if (performance.now() > deadline) throw new Error(`no ${wanted} from ${url}\n${handle.log}`);
    const status = await statusOf(url);
    if (status === wanted) return performance.now() - handle.startedAt;
    await new Promise((resume) => setTimeout(resume, everyMs));
  }
}

async function statusOf(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined; // nobody listens yet
  }
}
