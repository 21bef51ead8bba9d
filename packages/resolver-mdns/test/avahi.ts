import { type ChildProcess, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { end, type Machine, runOn } from "./lan.ts";
import { Lines } from "./lines.ts";

/** avahi-daemon on a machine of the LAN, with a message bus of its own and nothing of the system's. */
export class Avahi {
  readonly #machine: Machine;
  readonly #folder: string;
  readonly #processes: ChildProcess[] = [];
  #daemon: ChildProcess | undefined;

  private constructor(machine: Machine, folder: string) {
    this.#machine = machine;
    this.#folder = folder;
  }

  static async start(machine: Machine, hostName: string): Promise<Avahi> {
    const avahi = new Avahi(machine, mkdtempSync(join(tmpdir(), "outrigger-avahi-")));
    try {
      await avahi.#start(hostName);
      return avahi;
    } catch (reason) {
      await avahi.close();
      throw reason;
    }
  }

  /** Publishes an app as Dapr's sidecar does, for as long as the returned process runs. */
  async publish(appId: string, label: string, host: string, port: number): Promise<Lines> {
    const lines = this.#peer("publish", appId, label, `${host}.local`, String(port));
    await lines.waitFor("established");
    return lines;
  }

  async browse(appId: string): Promise<Lines> {
    const lines = this.#peer("browse", appId);
    await lines.waitFor("browsing");
    return lines;
  }

  /** Ends the daemon without a goodbye. */
  async crash(): Promise<void> {
    if (this.#daemon !== undefined) await end(this.#daemon, "SIGKILL");
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((child) => end(child, "SIGKILL")));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(hostName: string): Promise<void> {
    const busConfig = join(this.#folder, "bus.xml");
    writeFileSync(busConfig, busConfiguration(this.#busAddress()));
    const runBus = `exec dbus-daemon --config-file=${busConfig} --print-address --nofork 2>&1`;
    const bus = this.#run(["sh", "-c", runBus]);
    await new Lines(bus).waitFor("unix:path=");
    const config = join(this.#folder, "avahi.conf");
    writeFileSync(config, avahiConfiguration(hostName));
    // Its pid file, which allows one daemon per machine, goes to a /run that nobody else sees.
    const script = `mount -t tmpfs none /run && mkdir /run/avahi-daemon && exec avahi-daemon -f ${config} --no-drop-root --no-chroot --no-rlimits 2>&1`;
    this.#daemon = this.#run(["unshare", "-m", "sh", "-c", script]);
    await new Lines(this.#daemon).waitFor("Server startup complete");
  }

  #peer(...parameters: readonly string[]): Lines {
    const script = join(import.meta.dirname, "avahi-peer.py");
    return new Lines(this.#run(["python3", script, ...parameters]));
  }

  #run(command: readonly string[]): ChildProcess {
    const child = runOn(this.#machine, command, { DBUS_SYSTEM_BUS_ADDRESS: this.#busAddress() });
    this.#processes.push(child);
    return child;
  }

  #busAddress(): string {
    return `unix:path=${join(this.#folder, "bus")}`;
  }
}

/** Why Avahi cannot be driven here, beside a missing daemon; undefined when it can. */
export function avahiObstacle(): string | undefined {
  const library = "import ctypes; ctypes.CDLL('libavahi-client.so.3')";
  try {
    execFileSync("dbus-daemon", ["--version"], { stdio: "pipe", timeout: 5_000 });
    execFileSync("python3", ["-c", library], { stdio: "pipe", timeout: 5_000 });
    return undefined;
  } catch (reason) {
    return `apt-get install dbus-daemon python3 libavahi-client3: ${reason}`;
  }
}

function busConfiguration(address: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>${address}</listen>
  <policy context="default">
    <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
`;
}

function avahiConfiguration(hostName: string): string {
  return `[server]
host-name=${hostName}
use-ipv4=yes
use-ipv6=no
allow-interfaces=eth0
[publish]
publish-hinfo=no
publish-workstation=no
`;
}
