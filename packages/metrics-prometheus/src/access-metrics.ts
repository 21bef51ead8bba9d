import type { AccessDecision, PeerIdentity } from "@outrigger/core";
import type { Family } from "./family.ts";
import { Recent } from "./recent.ts";
import type { Registry } from "./registry.ts";
import type { Sample } from "./series.ts";

/** Callers whose series are remembered. */
const rememberedCallers = 512;

/**
 * Decisions of access control (Dapr `pkg/acl/acl.go`). The labels tell who called, not whose sidecar
 * this is; without a proven identity they are empty.
 */
export class AccessMetrics {
  readonly #allowedByApp: Decisions;
  readonly #blockedByApp: Decisions;
  readonly #allowedByAll: Decisions;
  readonly #blockedByAll: Decisions;

  constructor(registry: Registry) {
    this.#allowedByApp = new Decisions(registry, "app", "allowed");
    this.#blockedByApp = new Decisions(registry, "app", "blocked");
    this.#allowedByAll = new Decisions(registry, "global", "allowed");
    this.#blockedByAll = new Decisions(registry, "global", "blocked");
  }

  judged(peer: PeerIdentity | undefined, { allowed, scope }: AccessDecision): void {
    const decisions =
      scope === "app"
        ? allowed
          ? this.#allowedByApp
          : this.#blockedByApp
        : allowed
          ? this.#allowedByAll
          : this.#blockedByAll;
    decisions.count(peer);
  }
}

class Decisions {
  readonly #family: Family<Sample>;
  readonly #bySpiffeId = new Recent<Sample>(rememberedCallers);

  constructor(registry: Registry, scope: "app" | "global", outcome: "allowed" | "blocked") {
    const whose = scope === "app" ? "the policy of an app" : "the global policy";
    this.#family = registry.counter({
      name: `dapr_runtime_acl_${scope}_policy_action_${outcome}_total`,
      help: `The number of requests ${outcome} by ${whose}.`,
      labels: ["app_id", "namespace", "trustDomain"],
      open: ["app_id", "namespace", "trustDomain"],
    });
  }

  count(peer: PeerIdentity | undefined): void {
    const key = peer?.spiffeId ?? "";
    const series = this.#bySpiffeId.get(key) ?? this.#find(key, peer);
    series?.inc();
  }

  #find(key: string, peer: PeerIdentity | undefined): Sample | undefined {
    const { appId = "", namespace = "", trustDomain = "" } = peer ?? {};
    const series = this.#family.series(appId, namespace, trustDomain);
    if (series !== undefined) this.#bySpiffeId.set(key, series);
    return series;
  }
}
