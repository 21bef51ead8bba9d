import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** A namespace outlives a test run that was killed by this much at most. */
const lifetimeS = 120;

/** One machine of a {@link Lan}: a network namespace with loopback and `eth0`. */
export interface Machine {
  readonly address: string;
  /** The port of the switch that the machine is plugged into. */
  readonly port: string;
  readonly pid: number;
}

/**
 * Machines joined by a switch: network namespaces, veth pairs and a bridge, all of them inside
 * namespaces that this makes. Nothing appears on the machine's own network. Needs root.
 */
export class Lan {
  readonly machines: readonly Machine[];
  readonly #switchPid: number;
  readonly #holders: readonly ChildProcess[];

  private constructor(holders: readonly ChildProcess[]) {
    this.#holders = holders;
    const [switchPid = 0, ...pids] = holders.map(({ pid }) => pid ?? 0);
    this.#switchPid = switchPid;
    this.machines = pids.map((pid, index) => ({
      address: `10.99.0.${index + 1}`,
      port: `port${index}`,
      pid,
    }));
  }

  static async open(count: number): Promise<Lan> {
    const holders = Array.from({ length: count + 1 }, () =>
      // `exec` keeps the pid: the one that is killed is the one that holds the namespace.
      spawn(
        "unshare",
        ["-n", "sh", "-c", `ip link set lo up && echo up && exec sleep ${lifetimeS}`],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      ),
    );
    const lan = new Lan(holders);
    try {
      const limit = { signal: AbortSignal.timeout(5_000) };
      await Promise.all(holders.map(({ stdout }) => stdout && once(stdout, "data", limit)));
      lan.#connect();
      return lan;
    } catch (reason) {
      await lan.close();
      throw reason;
    }
  }

  /** Pulls the plug of a machine, or puts it back. */
  setLink({ port }: Machine, state: "up" | "down"): void {
    this.#ip(this.#switchPid, "link", "set", port, state);
  }

  async close(): Promise<void> {
    await Promise.all(this.#holders.map((holder) => end(holder)));
  }

  #connect(): void {
    this.#ip(this.#switchPid, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
    this.#ip(this.#switchPid, "link", "set", "br0", "up");
    for (const { address, port, pid } of this.machines) {
      const peer = ["peer", "name", "eth0", "netns", String(pid)];
      this.#ip(this.#switchPid, "link", "add", port, "type", "veth", ...peer);
      this.#ip(this.#switchPid, "link", "set", port, "master", "br0", "up");
      this.#ip(pid, "address", "add", `${address}/24`, "dev", "eth0");
      this.#ip(pid, "link", "set", "eth0", "up");
    }
  }

  #ip(pid: number, ...parameters: readonly string[]): void {
    execFileSync("nsenter", ["-t", String(pid), "-n", "ip", ...parameters], { timeout: 5_000 });
  }
}

/** Why no {@link Lan} can be made here; undefined when one can. */
export function lanObstacle(): string | undefined {
  if (process.platform !== "linux") return "network namespaces need Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  try {
    execFileSync("unshare", ["-n", "ip", "link", "add", "br0", "type", "bridge"], {
      stdio: "pipe",
      timeout: 5_000,
    });
    return undefined;
  } catch (reason) {
    return `no network namespaces with a bridge: ${reason}`;
  }
}

/** Starts a program on a machine of the LAN. */
export function runOn({ pid }: Machine, command: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return spawn("nsenter", ["-t", String(pid), "-n", ...command], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
}

/** Ends a process and waits until it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "exit");
  child.kill(signal);
  const ended = await Promise.race([closed, sleep(3_000, undefined, { ref: false })]);
  if (ended === undefined) child.kill("SIGKILL");
  await closed;
}
