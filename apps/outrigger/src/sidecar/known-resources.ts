import { newProblems } from "@outrigger/resources";
import type { Reading, SidecarResources } from "./read-resources.ts";

/** What a process remembers of its files over restarts. */
export class KnownResources {
  #good: SidecarResources | undefined;
  #complaints: readonly string[] = [];
  #rejected: string | undefined;
  #offered: Reading | undefined;

  /** What the runtime started with last; `undefined` before it ever did. */
  get good(): SidecarResources | undefined {
    return this.#good;
  }

  /** Files that were checked for the next life, which then need not be read once more. */
  offer(reading: Reading): void {
    this.#offered = reading;
  }

  /** What was offered last, once. */
  takeOffer(): Reading | undefined {
    const offered = this.#offered;
    this.#offered = undefined;
    return offered;
  }

  /** True for files that say what the runtime started with last. */
  isGood(resources: SidecarResources): boolean {
    return this.#good !== undefined && contentOf(this.#good) === contentOf(resources);
  }

  /**
   * Files that the runtime works with: whatever was rejected before may be tried again.
   * @param complaints errors that it told while it started with them. Default: as before.
   */
  accept(resources: SidecarResources, complaints?: readonly string[]): void {
    this.#good = resources;
    this.#complaints = complaints ?? this.#complaints;
    this.#rejected = undefined;
  }

  /** Files that can be read, but that the runtime could not start with. */
  reject(resources: SidecarResources): void {
    this.#rejected = contentOf(resources);
  }

  /** True for files that the runtime could not start with the last time. */
  isRejected(resources: SidecarResources): boolean {
    return this.#rejected !== undefined && this.#rejected === contentOf(resources);
  }

  /**
   * Of the errors that a start with these files would tell, those that the runtime did not tell. A
   * new component that may fail is none.
   */
  newComplaints(complaints: readonly string[], { loaded }: SidecarResources): readonly string[] {
    const old = new Set(this.#good?.loaded?.components.map(({ name }) => name));
    const mayFail = (loaded?.components ?? [])
      .filter(({ name, ignoreErrors }) => ignoreErrors && !old.has(name))
      .map(({ name }) => `Ignoring error processing component: process component ${name} error:`);
    return complaints.filter(
      (text) =>
        !this.#complaints.includes(text) && !mayFail.some((start) => text.startsWith(start)),
    );
  }

  /** Why newly read files are worse than those in use; `undefined` when they are not. */
  problemOf(resources: SidecarResources): string | undefined {
    if (this.#good === undefined) return undefined;
    const problems = newProblems(this.#good.loaded, resources.loaded);
    return problems.length === 0 ? undefined : problems.join("; ");
  }
}

function contentOf(resources: SidecarResources): string {
  return JSON.stringify(resources);
}
