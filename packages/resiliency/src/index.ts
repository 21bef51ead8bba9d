export type { Clock } from "./clock.ts";
export type { BreakerState, ResiliencyEvent } from "./events.ts";
export { type DaprResiliency, type ResiliencyFromDapr, resiliencyFromDapr } from "./from-dapr.ts";
export type {
  CircuitBreakerOptions,
  HedgeOptions,
  ResiliencyOptions,
  RetryOptions,
  TargetOptions,
} from "./options.ts";
export { resiliency } from "./resiliency.ts";
export type { RetryBudgetOptions } from "./retry-budget.ts";
