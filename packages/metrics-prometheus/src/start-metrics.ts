import type { Family } from "./family.ts";
import type { Registry } from "./registry.ts";
import type { Sample } from "./series.ts";

/** Why a certificate could not be renewed, in Dapr's words. */
export type RenewalFailure = "sentry_conn" | "sentry_token" | "sign" | "invalid_ts";

/** Components, certificates and error codes: what happens seldom, so that nothing is remembered. */
export class StartMetrics {
  readonly #appId: string;
  readonly #loaded: Family<Sample>;
  readonly #initialized: Family<Sample>;
  readonly #failed: Family<Sample>;
  readonly #mtlsReady: Family<Sample>;
  readonly #mtlsFailed: Family<Sample>;
  readonly #renewed: Family<Sample>;
  readonly #renewalFailed: Family<Sample>;

  constructor(registry: Registry, appId: string) {
    this.#appId = appId;
    const labels = ["app_id"];
    const prefix = "dapr_runtime_";
    const counter = (name: string, help: string, extra: readonly string[] = []): Family<Sample> =>
      registry.counter({ name: `${prefix}${name}`, help, labels: [...labels, ...extra] });
    this.#loaded = counter("component_loaded", "The number of successfully loaded components.");
    this.#initialized = counter("component_init_total", "The number of initialized components.", [
      "component",
    ]);
    this.#failed = counter(
      "component_init_fail_total",
      "The number of component initialization failures.",
      ["component", "componentName", "reason"],
    );
    this.#mtlsReady = counter("mtls_init_total", "The number of successful mTLS initializations.");
    this.#mtlsFailed = counter("mtls_init_fail_total", "The number of mTLS init failures.", [
      "reason",
    ]);
    this.#renewed = counter(
      "mtls_workload_cert_rotated_total",
      "The number of successful workload certificate rotations.",
    );
    this.#renewalFailed = counter(
      "mtls_workload_cert_rotated_fail_total",
      "The number of failed workload certificate rotations.",
      ["reason"],
    );
  }

  componentLoaded(): void {
    this.#loaded.series(this.#appId)?.inc();
  }

  /** @param type as in the resource: `middleware.http.bearer`. */
  componentInitialized(type: string): void {
    this.#initialized.series(this.#appId, type)?.inc();
  }

  componentFailed(type: string, name: string, reason: "creation" | "init"): void {
    this.#failed.series(this.#appId, type, name, reason)?.inc();
  }

  mtlsReady(): void {
    this.#mtlsReady.series(this.#appId)?.inc();
  }

  mtlsFailed(reason: string): void {
    this.#mtlsFailed.series(this.#appId, reason)?.inc();
  }

  certificateRenewed(): void {
    this.#renewed.series(this.#appId)?.inc();
  }

  renewalFailed(reason: RenewalFailure): void {
    this.#renewalFailed.series(this.#appId, reason)?.inc();
  }
}
