import type { Family } from "./family.ts";
import { Recent } from "./recent.ts";
import type { Registry } from "./registry.ts";
import type { Sample } from "./series.ts";

/** What a policy tells; the events of `@outrigger/resiliency` have this shape. */
export interface PolicyEvent {
  readonly type: "lookup" | "activation";
  readonly policy: "timeout" | "retry" | "circuitbreaker";
  /** As the caller wrote it. */
  readonly target: string;
  readonly state?: "closed" | "half-open" | "open";
}

const states = ["closed", "half-open", "open", "unknown"] as const;

const labels = ["app_id", "flow_direction", "name", "namespace", "policy", "status", "target"];

/** Targets whose series are remembered. */
const rememberedTargets = 512;

/** The series of one target, policy and state, and of its breaker's states. */
interface Lookup {
  readonly count: Sample | undefined;
  readonly states: readonly (Sample | undefined)[];
}

/** Policies that were looked up and that did something (Dapr `pkg/resiliency/resiliency.go`). */
export class ResiliencyMetrics {
  readonly #appId: string;
  readonly #loaded: Family<Sample>;
  readonly #count: Family<Sample>;
  readonly #activations: Family<Sample>;
  readonly #state: Family<Sample>;
  readonly #lookups = new Recent<Map<string, Lookup>>(rememberedTargets);
  #name = "";
  #namespace = "";

  constructor(registry: Registry, appId: string) {
    this.#appId = appId;
    const prefix = "dapr_resiliency_";
    const byTarget = { labels, open: ["target"] };
    this.#loaded = registry.counter({
      name: `${prefix}loaded`,
      help: "Number of resiliency policies loaded.",
      labels: ["app_id", "name", "namespace"],
    });
    this.#count = registry.counter({
      name: `${prefix}count`,
      help: "Number of times a resiliency policy has been looked up for a request.",
      ...byTarget,
    });
    this.#activations = registry.counter({
      name: `${prefix}activations_total`,
      help: "Number of times a resiliency policy has been activated.",
      ...byTarget,
    });
    this.#state = registry.gauge({
      name: `${prefix}cb_state`,
      help: "State of circuit breakers: 1 for the current one, 0 for the others.",
      ...byTarget,
    });
  }

  /** One document was read. Everything is counted under the name of the last one, as in Dapr. */
  loaded(name: string, namespace: string): void {
    this.#name = name;
    this.#namespace = namespace;
    this.#loaded.series(this.#appId, name, namespace)?.inc();
  }

  happened(event: PolicyEvent): void {
    const { type, target, policy, state = "" } = event;
    if (type === "activation") {
      this.#series(this.#activations, target, policy, state)?.inc();
      return;
    }
    const lookup = this.#lookup(target, policy, state);
    lookup.count?.inc();
    for (const [index, sample] of lookup.states.entries()) {
      sample?.set(states[index] === state ? 1 : 0);
    }
  }

  #lookup(target: string, policy: string, state: string): Lookup {
    const key = `${policy} ${state}`;
    const lookups = this.#lookups.get(target) ?? this.#lookups.add(target, new Map());
    const known = lookups.get(key);
    if (known !== undefined) return known;
    const ofBreaker = policy === "circuitbreaker" ? states : [];
    const lookup: Lookup = {
      count: this.#series(this.#count, target, policy, state),
      states: ofBreaker.map((each) => this.#series(this.#state, target, policy, each)),
    };
    lookups.set(key, lookup);
    return lookup;
  }

  #series(
    family: Family<Sample>,
    target: string,
    policy: string,
    state: string,
  ): Sample | undefined {
    return family.series(
      this.#appId,
      "outbound",
      this.#name,
      this.#namespace,
      policy,
      state,
      `app_${target}`,
    );
  }
}
