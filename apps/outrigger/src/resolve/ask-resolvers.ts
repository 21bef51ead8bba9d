import {
  type ComponentContext,
  type ComponentFactory,
  type Endpoint,
  errorText,
  isOutriggerError,
  type Logger,
  type Resolver,
  unlessAborted,
} from "@outrigger/core";
import { loadResolver } from "../resolvers/choose-resolver.ts";
import { labelOf, type ResolverChoice, type ResolverPlan } from "../resolvers/resolver-plan.ts";
import type { ResolveOptions } from "./resolve-options.ts";

/** Most lines of a resolver's log that are shown. */
const maxNotes = 8;
const stopTimeoutMs = 2_000;

/** What one resolver answered. */
export interface ResolverReport {
  /** As the Configuration names it. */
  readonly resolver: string;
  /** `skipped`: it could not be made, so the sidecar works without it. */
  readonly outcome: "found" | "not-found" | "failed" | "skipped";
  readonly endpoints: readonly Endpoint[];
  /** Time of the look-up alone. */
  readonly durationMs: number;
  /** Why there are no endpoints. */
  readonly reason?: string;
  /** What it said in its log, from warnings on. */
  readonly notes: readonly string[];
  /** True when calls of the sidecar would go to these endpoints. */
  readonly used: boolean;
}

/** Asks every resolver of the plan by itself, all at once, and announces nothing. */
export async function askResolvers(
  plan: ResolverPlan,
  options: ResolveOptions,
): Promise<readonly ResolverReport[]> {
  const reports = await Promise.all(plan.choices.map((choice) => askOne(choice, options)));
  const merged = plan.chain?.mode === "merged";
  const first = reports.findIndex(({ outcome }) => outcome === "found");
  return reports.map((report, index) => ({
    ...report,
    used: report.outcome === "found" && (merged || index === first),
  }));
}

async function askOne(choice: ResolverChoice, options: ResolveOptions): Promise<ResolverReport> {
  const notes: string[] = [];
  const report = { resolver: choice.component, endpoints: [], durationMs: 0, notes, used: false };
  let make: ComponentFactory<Resolver>;
  try {
    make = await loadResolver(choice, options);
  } catch (reason) {
    return { ...report, outcome: "skipped", reason: errorText(reason) };
  }
  const resolver = make(contextOf(options, notes));
  let startedAt = performance.now();
  const signal = AbortSignal.timeout(options.timeoutMs);
  try {
    await unlessAborted(Promise.resolve(resolver.start?.(signal)), signal);
    startedAt = performance.now();
    const endpoints = await unlessAborted(resolver.resolve(options, signal), signal);
    const durationMs = performance.now() - startedAt;
    const outcome = endpoints.length > 0 ? "found" : "not-found";
    return { ...report, outcome, endpoints, durationMs };
  } catch (reason) {
    const durationMs = performance.now() - startedAt;
    const unknown = isOutriggerError(reason, "OTR_RESOLVE_NOT_FOUND");
    const text = signal.aborted
      ? `no answer within ${options.timeoutMs} ms`
      : withHint(reason, notes);
    return { ...report, outcome: unknown ? "not-found" : "failed", durationMs, reason: text };
  } finally {
    await stop(resolver, labelOf(choice), notes);
  }
}

/** Some resolvers keep Dapr's words in the message and tell what helps beside it. */
function withHint(reason: unknown, notes: readonly string[]): string {
  const text = errorText(reason);
  const hint = isOutriggerError(reason) ? reason.details.hint : undefined;
  const known = hint === undefined || notes.some((note) => note.includes(String(hint)));
  return known ? text : `${text}: ${String(hint)}`;
}

async function stop(resolver: Resolver, label: string, notes: string[]): Promise<void> {
  const stopping = Promise.resolve(resolver.stop?.());
  await unlessAborted(stopping, AbortSignal.timeout(stopTimeoutMs)).catch((reason: unknown) => {
    notes.push(`${label} did not stop: ${errorText(reason)}`);
  });
}

function contextOf({ namespace }: ResolveOptions, notes: string[]): ComponentContext {
  const log: Logger = {
    log: (level, message) => {
      const matters = level === "warn" || level === "error" || level === "fatal";
      if (matters && notes.length < maxNotes) notes.push(message);
    },
    enabled: (level) => level !== "debug" && level !== "info",
    scope: () => log,
  };
  return { appId: "outrigger-resolve", namespace, log, now: Date.now, random: Math.random };
}
