import type {
  BreakerRule,
  ResiliencyClock,
  ResiliencyResource,
  ResiliencySubject,
  RetryRule,
  TargetRule,
} from "@outrigger/conformance";
import type { AttemptResult, CallPolicy, PolicedCall, Resiliency } from "@outrigger/core";

/** A broken copy of a subject. */
export type Fault = (right: ResiliencySubject) => ResiliencySubject;

type Make = ResiliencySubject["make"];

/** What a broken policy knows of a call. */
export interface BrokenRun {
  readonly target: string;
  readonly key: string;
  readonly clock: ResiliencyClock;
}

/** Reads resources wrongly. */
export function reading(
  change: (resources: readonly ResiliencyResource[]) => readonly ResiliencyResource[],
): Fault {
  return making((make) => (resources, clock, context) => make(change(resources), clock, context));
}

/** Reads each resource wrongly. */
export function readingEach(change: (resource: ResiliencyResource) => ResiliencyResource): Fault {
  return reading((resources) => resources.map(change));
}

/** Reads policies of retries wrongly. */
export function retries(change: (rule: RetryRule, name: string) => RetryRule): Fault {
  return readingEach(({ retries: rules = {}, ...rest }) => ({
    ...rest,
    retries: mapped(rules, change),
  }));
}

/** Reads circuit breakers wrongly. */
export function breakers(change: (rule: BreakerRule) => BreakerRule): Fault {
  return readingEach(({ circuitBreakers = {}, ...rest }) => ({
    ...rest,
    circuitBreakers: mapped(circuitBreakers, change),
  }));
}

/** Takes one expression for another. */
export function trips(from: string, to: string): Fault {
  return breakers(({ trip, ...rest }) =>
    trip === undefined ? rest : { ...rest, trip: trip === from ? to : trip },
  );
}

/** Reads timeouts wrongly. */
export function timeouts(change: (text: string) => string): Fault {
  return readingEach(({ timeouts: texts = {}, ...rest }) => ({
    ...rest,
    timeouts: mapped(texts, change),
  }));
}

/** Reads entries of targets wrongly. */
export function entries(
  change: (rule: TargetRule, resource: ResiliencyResource) => TargetRule,
): Fault {
  return readingEach((resource) => ({
    ...resource,
    apps: mapped(resource.apps ?? {}, (rule) => change(rule, resource)),
  }));
}

/** Takes time otherwise. */
export function timing(after: (clock: ResiliencyClock) => ResiliencyClock["after"]): Fault {
  return making((make) => (resources, clock, context) => {
    const broken = { now: () => clock.now(), after: after(clock) };
    return make(resources, broken, context);
  });
}

/** Takes chance otherwise. */
export function chance(change: (random: number) => number): Fault {
  return making((make) => (resources, clock, context) => {
    const random = () => change(context.random());
    return make(resources, clock, { ...context, random });
  });
}

/** Changes methods of the component. */
export function component(change: (inner: Resiliency) => Partial<Resiliency>): Fault {
  return making((make) => async (resources, clock, context) => {
    const { resiliency: inner, problems } = await make(resources, clock, context);
    const right: Resiliency = {
      name: inner.name,
      builtInRetry: inner.builtInRetry,
      hasTarget: (target) => inner.hasTarget(target),
      policyFor: (target, key) => inner.policyFor(target, key),
    };
    return { resiliency: { ...right, ...change(inner) }, problems };
  });
}

/** Runs calls otherwise. The state that `begin` makes is that of one component. */
export function running(
  begin: () => <T>(inner: CallPolicy, call: PolicedCall<T>, run: BrokenRun) => Promise<T>,
): Fault {
  return making((make) => async (resources, clock, context) => {
    const { resiliency: inner, problems } = await make(resources, clock, context);
    const broken = begin();
    const policyFor = (target: string, key: string): CallPolicy | undefined => {
      const policy = inner.policyFor(target, key);
      return (
        policy && {
          retries: policy.retries,
          maxReplayBytes: policy.maxReplayBytes,
          run: (call) => broken(policy, call, { target, key, clock }),
        }
      );
    };
    const { name, builtInRetry } = inner;
    const hasTarget = (target: string): boolean => inner.hasTarget(target);
    return { resiliency: { name, builtInRetry, hasTarget, policyFor }, problems };
  });
}

/** Takes a call for another one. */
export function calls(
  change: <T>(call: PolicedCall<T>, policy: CallPolicy) => Partial<PolicedCall<T>>,
): Fault {
  return running(() => (policy, call) => policy.run({ ...call, ...change(call, policy) }));
}

/** Takes what attempts come to for something else. */
export function results(
  change: <T>(result: AttemptResult<T>, policy: CallPolicy) => AttemptResult<T>,
): Fault {
  return calls((call, policy) => ({
    attempt: async (signal) => change(await call.attempt(signal), policy),
  }));
}

/** Makes the component otherwise. */
export function making(change: (make: Make) => Make): Fault {
  return (right) => ({ ...right, make: change(right.make) });
}

function mapped<From, To>(
  named: Readonly<Record<string, From>>,
  convert: (from: From, name: string) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(
    Object.entries(named).map(([name, from]) => [name, convert(from, name)]),
  );
}
