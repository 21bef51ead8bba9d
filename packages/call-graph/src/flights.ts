import type { Edge } from "./edge.ts";

/**
 * Calls under way. A small number stands for each one, so that beginning a call allocates nothing:
 * places are taken again, and their number grows with the most calls ever under way at once.
 */
export class Flights {
  readonly #most: number;
  #startedAt: Float64Array = new Float64Array(64);
  readonly #edges: Edge[] = [];
  readonly #free: number[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns the call's number; -1 when so many are under way that this one is only counted. */
  begin(edge: Edge, nowMs: number): number {
    const flight = this.#free.pop() ?? this.#grow(edge);
    if (flight < 0) return flight;
    this.#edges[flight] = edge;
    this.#startedAt[flight] = nowMs;
    return flight;
  }

  edgeOf(flight: number): Edge | undefined {
    return this.#edges[flight];
  }

  startedAt(flight: number): number {
    return this.#startedAt[flight] ?? 0;
  }

  end(flight: number): void {
    this.#free.push(flight);
  }

  #grow(edge: Edge): number {
    const flight = this.#edges.length;
    if (flight >= this.#most) return -1;
    if (flight >= this.#startedAt.length) {
      const larger = new Float64Array(this.#startedAt.length * 2);
      larger.set(this.#startedAt);
      this.#startedAt = larger;
    }
    this.#edges.push(edge);
    return flight;
  }
}
