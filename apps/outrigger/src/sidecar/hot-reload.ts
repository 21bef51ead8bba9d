import type { Logger } from "@outrigger/core";
import {
  enabledFeatures,
  type ResourceChange,
  resourceChanges,
  watchPaths,
} from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import { areBeingWritten } from "./being-written.ts";
import type { KnownResources } from "./known-resources.ts";
import type { LiveComponents } from "./live-components.ts";
import {
  type FileOptions,
  type Reading,
  readResources,
  type SidecarResources,
} from "./read-resources.ts";
import { readSettled } from "./read-settled.ts";
import type { StopRequests } from "./stop-requests.ts";

/** What hot reload works with beside options. */
export interface HotReloadParts {
  readonly log: Logger;
  /** The environment that the files in use were read with. */
  readonly env: Environment;
  readonly stops: Pick<StopRequests, "hangUp">;
  readonly known: KnownResources;
  /** Takes changes of components while calls run. */
  readonly components: Pick<LiveComponents, "apply">;
  /** Why the runtime would be worse off with changed files; `undefined` when it would not. */
  readonly rehearse: (resources: SidecarResources) => Promise<string | undefined>;
}

/** Which files are watched, and how. */
export type HotReloadOptions = FileOptions & Pick<SidecarOptions, "hotReloadReconcileMs">;

/** Hot reload of one life of the runtime. */
export interface HotReload {
  /** Ends it. Idempotent. */
  close(): void;
}

const maxTimerMs = 2_147_483_647;

/** A shorter interval would leave the process with nothing else to do. */
const minReconcileMs = 100;

/**
 * Watches the files that the sidecar was started with, unless the feature is off. What changes in
 * effect is first read and checked: files that cannot be used leave the running configuration as
 * it is, with a line in the log.
 */
export function startHotReload(options: HotReloadOptions, parts: HotReloadParts): HotReload {
  const log = parts.log.scope("dapr.runtime.hotreload");
  const { good } = parts.known;
  if (good === undefined || !enabledFeatures(good.configuration.features).includes("HotReload")) {
    log.log("debug", "Hot reloading disabled");
    return { close: () => undefined };
  }
  log.log("info", "Hot reloading enabled. Daprd will reload 'Component' resources on change.");
  for (const kind of ["Configuration", "HTTPEndpoint", "Resiliency"]) {
    log.log("info", `Starting to watch ${kind} updates for SIGHUP reload`);
  }
  const { configFiles, resourcesPaths } = options;
  if (resourcesPaths.length > 0) {
    log.log("info", `Watching directories: [${resourcesPaths.join(", ")}]`);
  }
  if (resourcesPaths.length + configFiles.length === 0) return { close: () => undefined };
  const reloader = new Reloader(options, good, { ...parts, log });
  const watch = watchPaths({
    directories: resourcesPaths,
    files: configFiles,
    reconcileMs: Math.min(maxTimerMs, Math.max(minReconcileMs, options.hotReloadReconcileMs)),
    onChange: () => reloader.check(),
    onFault: (problem) => log.log("warn", `Changes of files are seen late: ${problem}`),
  });
  return {
    close: () => {
      reloader.end();
      watch.close();
    },
  };
}

class Reloader {
  readonly #options: HotReloadOptions;
  readonly #parts: HotReloadParts;
  #current: SidecarResources;
  #refused: string | undefined;
  readonly #life = new AbortController();

  constructor(options: HotReloadOptions, current: SidecarResources, parts: HotReloadParts) {
    this.#options = options;
    this.#current = current;
    this.#parts = parts;
  }

  end(): void {
    this.#life.abort();
  }

  /** Compares what the files say now with what is in use, and acts on the difference. */
  async check(): Promise<void> {
    const { env, known, log } = this.#parts;
    const { signal } = this.#life;
    const settled = await readSettled({
      read: () => readResources(this.#options, env),
      isInUse: (resources) => known.isGood(resources),
      isMoving: (readAt) => areBeingWritten(this.#options, readAt),
      signal,
    });
    if (signal.aborted) return;
    const problem = "problem" in settled ? settled.problem : known.problemOf(settled.resources);
    if (problem !== undefined) this.#refuse(problem);
    else if (!("resources" in settled)) return;
    else if (!known.isRejected(settled.resources)) await this.#apply(settled);
    else log.log("debug", "The sidecar could not start with these files; they are not tried again");
  }

  async #apply(reading: Reading): Promise<void> {
    const next = reading.resources;
    const changes = resourceChanges(this.#current.loaded, next.loaded);
    const others = changes.filter(({ kind }) => kind !== "Component");
    const configured = this.#configurationChanged(next);
    if (others.length > 0 || configured) await this.#restart(reading, others, configured);
    else if (changes.length === 0 || (await this.#applyComponents(reading, changes))) {
      this.#refused = undefined;
      this.#current = next;
      this.#parts.known.accept(next);
    }
  }

  #configurationChanged({ configuration }: SidecarResources): boolean {
    return JSON.stringify(configuration) !== JSON.stringify(this.#current.configuration);
  }

  /** True when the changes are in effect. */
  async #applyComponents(reading: Reading, changes: readonly ResourceChange[]): Promise<boolean> {
    const { components, log } = this.#parts;
    const outcome = await components.apply(reading.resources, this.#life.signal);
    if (this.#life.signal.aborted) return false;
    if (outcome.kind === "refused") this.#refuse(outcome.problem);
    if (outcome.kind === "restart") {
      log.log("info", `Components cannot change while calls run: ${outcome.reason}`);
      await this.#restart(reading, changes, false);
    }
    return outcome.kind === "applied";
  }

  async #restart(
    reading: Reading,
    changes: readonly ResourceChange[],
    configured: boolean,
  ): Promise<void> {
    const problem = await this.#parts.rehearse(reading.resources);
    if (this.#life.signal.aborted) return;
    if (problem !== undefined) {
      this.#refuse(problem);
      return;
    }
    this.#life.abort();
    const { known, log, stops } = this.#parts;
    for (const { kind, name, event } of changes) {
      log.log("info", `Received ${kind} ${event} event: ${name} - triggering SIGHUP reload`);
    }
    if (configured) {
      const files = this.#options.configFiles.join(", ");
      log.log("info", `Configuration files changed: ${files} - triggering SIGHUP reload`);
    }
    known.offer(reading);
    stops.hangUp();
  }

  /** The same problem is told once: the files are read again and again. */
  #refuse(problem: string): void {
    if (problem === this.#refused) return;
    this.#refused = problem;
    const { log } = this.#parts;
    log.log("error", `Changed files are not used, the running configuration stays: ${problem}`);
  }
}
