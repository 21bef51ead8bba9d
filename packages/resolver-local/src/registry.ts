import { randomBytes } from "node:crypto";
import { opendir, rename, rm, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Endpoint, Instance, Logger, ResolveRequest } from "@outrigger/core";
import { type Entry, encodeEntry, filePrefix, prefixOf, readEntry } from "./entry.ts";
import { Liveness } from "./liveness.ts";
import type { LocalSettings } from "./options.ts";
import { type OwnProcess, ownProcess } from "./own-process.ts";
import { checkPrivateFolder, defaultFolder, makePrivateFolder } from "./runtime-folder.ts";

/** Each ignored file is named in the log once; at most so many are remembered. */
const maxRemembered = 1_024;
/** File systems stamp a folder with a clock of a few milliseconds, some of two seconds. */
const stampPrecisionMs = 2_500;

/** File names by the prefix of their app. */
interface Listing {
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** Change time of the folder, when nothing can have changed since without a new one. */
  readonly settledStamp: bigint | undefined;
}

/** The folder with one file per running sidecar. */
export class Registry {
  readonly #settings: LocalSettings;
  readonly #log: Logger;
  readonly #own: OwnProcess;
  readonly #base: string;
  /** Folder of the sidecars that can reach each other. */
  readonly folder: string;
  readonly #liveness: Liveness;
  readonly #ignored = new Set<string>();
  readonly #entries = new Map<string, Entry>();
  #listing: Listing | undefined;

  private constructor(settings: LocalSettings, log: Logger, own: OwnProcess, base: string) {
    this.#settings = settings;
    this.#log = log;
    this.#own = own;
    this.#base = base;
    this.folder = join(base, own.scope);
    this.#liveness = new Liveness(own, settings.lifetimeMs);
  }

  /** @throws OutriggerError `OTR_RESOLVE_FAILED` when there is a folder that cannot be trusted. */
  static async open(settings: LocalSettings, log: Logger): Promise<Registry> {
    const own = await ownProcess();
    const base = settings.folder ?? (await defaultFolder(own));
    const registry = new Registry(settings, log, own, base);
    await checkPrivateFolder(base, own.uid);
    return registry;
  }

  /** Endpoints of the running instances of an app. */
  async find(request: ResolveRequest): Promise<readonly Endpoint[]> {
    const prefix = filePrefix(request);
    const names = (await this.#list()).files.get(prefix) ?? [];
    const found = await Promise.all(names.map((name) => this.#read(name, prefix)));
    const endpoints = new Map<string, Endpoint>();
    for (const entry of found) {
      if (entry === undefined) continue;
      const { host, port, namespace } = entry;
      endpoints.set(`${port} ${host}`, { host, port, namespace });
    }
    return [...endpoints.values()];
  }

  /** Writes the file of an instance and returns its path. Peers see the whole file or none. */
  async add(instance: Instance): Promise<string> {
    const name = `${filePrefix(instance)}.${randomBytes(8).toString("hex")}.json`;
    const path = join(this.folder, name);
    await this.write(path, instance);
    return path;
  }

  async write(path: string, instance: Instance): Promise<void> {
    const { uid } = this.#own;
    await makePrivateFolder(this.#base, uid);
    await makePrivateFolder(this.folder, uid);
    const draft = `${path}.${randomBytes(4).toString("hex")}.tmp`;
    try {
      await writeFile(draft, encodeEntry(instance, this.#own), { flag: "wx", mode: 0o600 });
      await rename(draft, path);
    } catch (reason) {
      await unlink(draft).catch(() => undefined);
      throw reason;
    }
  }

  /** Shows that the instance lives. Writes its file again when somebody has cleaned up. */
  async touch(path: string, instance: Instance): Promise<"alive" | "rewritten"> {
    const now = new Date();
    try {
      await utimes(path, now, now);
      return "alive";
    } catch {
      await this.write(path, instance);
      return "rewritten";
    }
  }

  async remove(path: string): Promise<void> {
    await unlink(path).catch(() => undefined);
  }

  /** Removes what crashed sidecars, and those before the last boot, left behind. Never rejects. */
  async sweep(): Promise<void> {
    try {
      await this.#sweepOldBoots();
      const { files } = await this.#list();
      for (const [prefix, names] of files) {
        for (const name of names) await this.#read(name, prefix);
      }
    } catch {
      // Somebody else will; nothing depends on it.
    }
  }

  async #sweepOldBoots(): Promise<void> {
    const boot = /^net-\d+-([0-9a-f]{16})$/.exec(this.#own.scope)?.[1];
    if (boot === undefined) return;
    for await (const { name } of await opendir(this.#base)) {
      const other = /^net-\d+-([0-9a-f]{16})$/.exec(name)?.[1];
      if (other === undefined || other === boot) continue;
      await rm(join(this.#base, name), { recursive: true, force: true });
    }
  }

  async #list(): Promise<Listing> {
    const stamp = await this.#stamp();
    if (stamp === undefined) {
      this.#listing = undefined;
      return { files: new Map(), settledStamp: undefined };
    }
    if (this.#listing !== undefined && this.#listing.settledStamp === stamp) return this.#listing;
    // Younger than its own precision, the stamp would stay the same at the next change.
    const settled = Date.now() - Number(stamp / 1_000_000n) > stampPrecisionMs;
    const files = await this.#readFolder();
    this.#listing = { files, settledStamp: settled ? stamp : undefined };
    return this.#listing;
  }

  /** When the folder changed; `undefined` when there is none. */
  async #stamp(): Promise<bigint | undefined> {
    const { uid } = this.#own;
    if (!(await checkPrivateFolder(this.#base, uid))) return undefined;
    if (!(await checkPrivateFolder(this.folder, uid))) return undefined;
    const status = await stat(this.folder, { bigint: true }).catch(() => undefined);
    return status?.mtimeNs;
  }

  async #readFolder(): Promise<ReadonlyMap<string, readonly string[]>> {
    const files = new Map<string, string[]>();
    let room = this.#settings.maxFiles;
    for await (const { name } of await opendir(this.folder)) {
      if (room-- <= 0) {
        this.#ignore("more", `more than ${this.#settings.maxFiles} files`);
        break;
      }
      const prefix = prefixOf(name);
      if (prefix === undefined) continue;
      const names = files.get(prefix);
      if (names === undefined) files.set(prefix, [name]);
      else names.push(name);
    }
    return files;
  }

  /** The entry of a file; `undefined` unless it is well formed and its sidecar runs. */
  async #read(name: string, prefix: string): Promise<Entry | undefined> {
    const path = join(this.folder, name);
    const entry = this.#entries.get(name) ?? (await readEntry(path, prefix, this.#own.uid));
    if (entry === undefined) return undefined;
    if (typeof entry === "string") {
      this.#ignore(name, entry);
      return undefined;
    }
    if (await this.#liveness.isAlive(path, entry)) {
      this.#remember(name, entry);
      return entry;
    }
    this.#entries.delete(name);
    this.#liveness.forget(path);
    // The name is used once only, so this cannot hit a sidecar that has just started.
    await this.remove(path);
    return undefined;
  }

  /** A file is never written twice with other content, so what was read once stays true. */
  #remember(name: string, entry: Entry): void {
    if (this.#entries.size >= this.#settings.maxFiles) this.#entries.clear();
    this.#entries.set(name, entry);
  }

  #ignore(name: string, why: string): void {
    if (this.#ignored.has(name) || this.#ignored.size >= maxRemembered) return;
    this.#ignored.add(name);
    this.#log.log("warn", `local registry: ignored ${name} in ${this.folder}: ${why}`);
  }
}
