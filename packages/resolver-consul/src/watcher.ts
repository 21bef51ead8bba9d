import type { Answer } from "./exchange.ts";
import { pause } from "./pause.ts";

const firstRetryMs = 100;
const lastRetryMs = 10_000;
/** First look-ups of many apps come together; they go into one poll. */
const gatherMs = 20;
/** A poll costs the agent more, the more apps and checks there are: then polls get rarer. */
const gapPerCost = 4;
const longestGapMs = 2_000;
const withoutIndexMs = 1_000;
/** Names that Consul's filter language takes as they are. */
const filterable = /^[\w.-]{1,128}$/;

/** What a {@link Watcher} works with. */
export interface WatcherSettings {
  /** Asks for the checks of these apps; waits on the agent's side unless `index` is "0". */
  readonly poll: (appIds: Iterable<string>, index: string, signal: AbortSignal) => Promise<Answer>;
  /** Told which apps changed. */
  readonly onChange: (appId: string) => void;
  /** Told when polls fail, once until they succeed again. */
  readonly onLost: (reason: unknown) => void;
  /** Told when polls succeed again. */
  readonly onBack: () => void;
  readonly maxApps: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * One blocking query for all apps in use, as Dapr's watcher does it: a single connection to the
 * agent, whatever the number of apps. It tells only that an app changed.
 */
export class Watcher {
  readonly #settings: WatcherSettings;
  /** State of each watched app at the last poll; undefined before its first one. */
  readonly #apps = new Map<string, string | undefined>();
  readonly #stop = new AbortController();
  #restart = new AbortController();
  #running: Promise<void> | undefined;
  #live = false;

  constructor(settings: WatcherSettings) {
    this.#settings = settings;
  }

  /** True when changes of this app are told now. */
  covers(appId: string): boolean {
    return this.#live && this.#apps.get(appId) !== undefined;
  }

  get isFull(): boolean {
    return this.#apps.size >= this.#settings.maxApps;
  }

  has(appId: string): boolean {
    return this.#apps.has(appId);
  }

  /** Watches one more app. False when it cannot be watched. */
  add(appId: string): boolean {
    if (this.#apps.has(appId)) return true;
    if (this.#stop.signal.aborted || this.isFull || !filterable.test(appId)) return false;
    this.#apps.set(appId, undefined);
    this.#restart.abort();
    this.#running ??= this.#run();
    return true;
  }

  remove(appId: string): void {
    // The poll under way still asks for it, which does no harm.
    this.#apps.delete(appId);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const stop = this.#stop.signal;
    let index = "0";
    let failures = 0;
    let costMs = 0;
    while (!stop.aborted) {
      if (this.#restart.signal.aborted) {
        await pause(gatherMs, stop);
        this.#restart = new AbortController();
        index = "0";
      }
      const names = [...this.#apps.keys()];
      if (names.length === 0) {
        await pause(withoutIndexMs, stop);
        continue;
      }
      const blocks = index !== "0";
      // Only the wait of a blocking poll is cut short by a new app; the others are work to the agent.
      const signal = blocks ? AbortSignal.any([stop, this.#restart.signal]) : stop;
      try {
        const startedAt = performance.now();
        const answer = await this.#settings.poll(names, index, signal);
        if (!blocks) costMs = performance.now() - startedAt;
        failures = 0;
        this.#read(names, answer.body);
        index = this.#nextIndex(index, answer.index);
        const gapMs = Math.min(gatherMs + costMs * gapPerCost, longestGapMs);
        // An agent that does not block, behind some proxies, must not be asked without a pause.
        await pause(index === "0" ? withoutIndexMs : gapMs, stop);
      } catch (reason) {
        if (signal.aborted) continue;
        this.#lose(reason);
        index = "0";
        const limitMs = Math.min(firstRetryMs * 2 ** failures++, lastRetryMs);
        await pause(limitMs * (0.5 + this.#settings.random() / 2), stop);
      }
    }
  }

  /** An index that goes back means a new history: Consul asks its clients to start over. */
  #nextIndex(before: string, after: string | undefined): string {
    const [old, next] = [Number(before), Number(after)];
    return Number.isFinite(next) && next > 0 && next >= old ? String(after) : "0";
  }

  #lose(reason: unknown): void {
    for (const appId of this.#apps.keys()) this.#apps.set(appId, undefined);
    if (!this.#live) return;
    this.#live = false;
    this.#settings.onLost(reason);
  }

  #read(names: readonly string[], body: unknown): void {
    if (!this.#live) {
      this.#live = true;
      this.#settings.onBack();
    }
    const states = statesOf(body);
    for (const appId of names) {
      if (!this.#apps.has(appId)) continue;
      const state = states.get(appId) ?? "";
      // Between its look-up and its first poll an app may have changed, so that counts as a change.
      if (this.#apps.get(appId) === state) continue;
      this.#apps.set(appId, state);
      this.#settings.onChange(appId);
    }
  }
}

/** Everything about the checks of each app that may change what can be called, as one text. */
function statesOf(body: unknown): Map<string, string> {
  const lines = new Map<string, string[]>();
  for (const check of Array.isArray(body) ? body : []) {
    const { Node, ServiceID, ServiceName, CheckID, Status, ModifyIndex } = check ?? {};
    if (typeof ServiceName !== "string") continue;
    const line = [Node, ServiceID, CheckID, Status, ModifyIndex].join("\t");
    const known = lines.get(ServiceName);
    if (known === undefined) lines.set(ServiceName, [line]);
    else known.push(line);
  }
  return new Map(Array.from(lines, ([name, list]) => [name, list.sort().join("\n")]));
}
