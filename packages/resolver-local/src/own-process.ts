import { readFile, readlink, stat } from "node:fs/promises";

/** What identifies this process among the processes that may share the registry's folder. */
export interface OwnProcess {
  readonly pid: number;
  /** Ticks since boot; with the pid, unique until the machine restarts. `undefined` without `/proc`. */
  readonly startTicks: string | undefined;
  /** A pid means something in its pid namespace only. Empty without `/proc`. */
  readonly pidNamespace: string;
  /** Name of the sub-folder of those who can reach each other: network namespace and boot. */
  readonly scope: string;
  /** `undefined` on Windows. */
  readonly uid: number | undefined;
}

/** Reads it from the system. Never rejects: without `/proc` there is one scope for the machine. */
export async function ownProcess(): Promise<OwnProcess> {
  const { pid } = process;
  const uid = process.getuid?.();
  try {
    const [network, pids, boot, ticks] = await Promise.all([
      // The inode: containers have networks of their own, where an address means somebody else.
      stat("/proc/self/ns/net", { bigint: true }),
      readlink("/proc/self/ns/pid"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      startTicks(pid),
    ]);
    const bootId = boot.trim().replaceAll("-", "").slice(0, 16);
    const scope = `net-${network.ino}-${bootId}`;
    return { pid, uid, scope, startTicks: ticks, pidNamespace: pids };
  } catch {
    return { pid, uid, scope: "machine", startTicks: undefined, pidNamespace: "" };
  }
}

/** When a process began, from `/proc/<pid>/stat`; `undefined` when there is no such process. */
export async function startTicks(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold anything, also ")".
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended, it only was not waited for.
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
