import { readFileSync, writeFileSync } from "node:fs";

/** Resident memory of a process of this machine, as Linux counts it. */
export class ProcessMemory {
  readonly #pid: number;
  #startKilobytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Forgets the peak so far and takes what is resident now as the base. */
  reset(): void {
    // 5 sets the peak back to what is resident now (proc(5), clear_refs).
    writeFileSync(`/proc/${this.#pid}/clear_refs`, "5");
    this.#startKilobytes = this.#read("VmRSS");
  }

  /** Megabytes that the peak since `reset` lies above the base. */
  get grownMegabytes(): number {
    return (this.#read("VmHWM") - this.#startKilobytes) / 1_024;
  }

  #read(field: string): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, "utf8");
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    if (kilobytes === undefined) throw new Error(`no ${field} in the status of ${this.#pid}`);
    return Number(kilobytes);
  }
}
