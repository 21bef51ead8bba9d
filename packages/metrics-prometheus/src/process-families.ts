import { readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { goNumber } from "./go-number.ts";

/** A metric of the process: name, type, help and value. */
type Row = readonly [name: string, type: "counter" | "gauge", help: string, value: number];

/** Sampling of the event loop's delay; a finer one would cost more than it tells. */
const resolutionMs = 20;

/** Metrics of the process itself, read when somebody asks. */
export class ProcessFamilies {
  #delay: ReturnType<typeof monitorEventLoopDelay> | undefined;

  start(): void {
    if (this.#delay !== undefined) return;
    this.#delay = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#delay.enable();
  }

  stop(): void {
    this.#delay?.disable();
    this.#delay = undefined;
  }

  render(): string {
    const rows = [...processRows(), ...heapRows(), ...this.#delayRows()];
    return rows
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(
        ([name, type, help, value]) =>
          `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${goNumber(value)}\n`,
      )
      .join("");
  }

  #delayRows(): readonly Row[] {
    const delay = this.#delay;
    if (delay === undefined) return [];
    const name = "nodejs_eventloop_lag";
    const seconds = (nanoseconds: number): number => {
      const beyond = nanoseconds / 1e9 - resolutionMs / 1e3;
      return Number.isFinite(beyond) ? Math.max(0, beyond) : 0;
    };
    const rows: readonly Row[] = [
      [`${name}_mean_seconds`, "gauge", "Mean delay of the event loop.", seconds(delay.mean)],
      [`${name}_max_seconds`, "gauge", "Longest delay of the event loop.", seconds(delay.max)],
      [`${name}_p50_seconds`, "gauge", "Median delay.", seconds(delay.percentile(50))],
      [`${name}_p90_seconds`, "gauge", "90th percentile.", seconds(delay.percentile(90))],
      [`${name}_p99_seconds`, "gauge", "99th percentile.", seconds(delay.percentile(99))],
    ];
    // Each scrape tells of the time since the one before.
    delay.reset();
    return rows;
  }
}

function heapRows(): readonly Row[] {
  const { heapTotal, heapUsed, external } = process.memoryUsage();
  return [
    ["nodejs_heap_size_total_bytes", "gauge", "Size of the heap.", heapTotal],
    ["nodejs_heap_size_used_bytes", "gauge", "Used part of the heap.", heapUsed],
    ["nodejs_external_memory_bytes", "gauge", "Memory outside the heap.", external],
  ];
}

function processRows(): readonly Row[] {
  const { user, system } = process.cpuUsage();
  const rows: Row[] = [
    ["process_cpu_seconds_total", "counter", "CPU time spent.", (user + system) / 1e6],
    ["process_resident_memory_bytes", "gauge", "Resident memory size.", process.memoryUsage.rss()],
    [
      "process_start_time_seconds",
      "gauge",
      "Start time since the epoch.",
      (performance.timeOrigin + (performance.now() - process.uptime() * 1_000)) / 1_000,
    ],
  ];
  const virtual = virtualBytes();
  const open = openFiles();
  const most = maxFiles();
  if (virtual !== undefined) {
    rows.push(["process_virtual_memory_bytes", "gauge", "Virtual memory size.", virtual]);
  }
  if (open !== undefined) rows.push(["process_open_fds", "gauge", "Open file descriptors.", open]);
  if (most !== undefined) rows.push(["process_max_fds", "gauge", "Most file descriptors.", most]);
  return rows;
}

/** Only Linux tells; elsewhere the family is left out. */
function virtualBytes(): number | undefined {
  return read(() => {
    const kilobytes = /^VmSize:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  });
}

function openFiles(): number | undefined {
  return read(() => readdirSync("/proc/self/fd").length);
}

function maxFiles(): number | undefined {
  return read(() => {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
    return soft === undefined || soft === "unlimited" ? undefined : Number(soft);
  });
}

function read(source: () => number | undefined): number | undefined {
  try {
    return source();
  } catch {
    return undefined;
  }
}
