import type { Family } from "./family.ts";
import type { Registry } from "./registry.ts";
import type { Sample } from "./series.ts";

/** Error codes of answers to clients, where that was asked for. */
export class ErrorCodeMetrics {
  readonly #appId: string;
  readonly #count: Family<Sample>;

  constructor(registry: Registry, appId: string) {
    this.#appId = appId;
    this.#count = registry.counter({
      name: "dapr_error_code_total",
      help: "Number of times an error code was returned to a client.",
      labels: ["app_id", "category", "error_code"],
      open: ["error_code"],
    });
  }

  record(code: string): void {
    this.#count.series(this.#appId, categoryOf(code), code)?.inc();
  }
}

function categoryOf(code: string): string {
  if (code === "ERR_DIRECT_INVOKE") return "service-invocation";
  return /^ERR_(?:OUTBOUND_)?HEALTH_/.test(code) ? "health" : "common";
}
