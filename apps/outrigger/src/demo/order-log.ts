import type { DemoPlan } from "./demo-plan.ts";

/** What became of the orders. */
export interface OrderSummary {
  readonly arrived: number;
  readonly failed: number;
  /** Milliseconds; 0 without orders. */
  readonly medianMs: number;
}

/**
 * Puts the two apps' lines together: an order counts as arrived when its sender got a 200 and its
 * receiver says that it saw it.
 */
export class OrderLog {
  readonly #route: (ms: string) => string;
  readonly #received = new Set<number>();
  readonly #durations: number[] = [];
  #failed = 0;

  constructor(plan: DemoPlan, language: string) {
    this.#route = (ms) =>
      `${language} checkout -> its sidecar :${plan.checkout.http} -> mDNS -> ` +
      `sidecar :${plan.processor.internal} -> node order-processor   ${ms} ms`;
  }

  /** Takes a line of the receiving app. */
  received(line: string): void {
    const match = /^received order (\d+)$/.exec(line);
    if (match !== null) this.#received.add(Number(match[1]));
  }

  /** Takes a line of the sending app and returns the one to print, if the line is about an order. */
  sent(line: string): string | undefined {
    const match = /^sent order (\d+): (\d+) in ([\d.]+) ms: (.*)$/.exec(line);
    if (match === null) return undefined;
    const [, id = "", status = "", ms = "", text = ""] = match;
    const label = `order ${id}`.padEnd(10);
    if (status !== "200") {
      this.#failed += 1;
      return `${label} FAILED  ${status === "0" ? "" : `status ${status}: `}${text}`;
    }
    this.#durations.push(Number(ms));
    return `${label} ${this.#route(ms.padStart(6))}`;
  }

  summary(): OrderSummary {
    const sorted = [...this.#durations].sort((left, right) => left - right);
    return {
      arrived: Math.min(this.#received.size, sorted.length),
      failed: this.#failed,
      medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0,
    };
  }
}
