import assert from "node:assert/strict";
import {
  type Instance,
  isOutriggerError,
  joinHostPort,
  type OutriggerError,
  type Resolver,
} from "@outrigger/core";

const pollMs = 10;

/** `host:port` of everything the resolver knows, sorted. */
export async function addressesOf(
  resolver: Resolver,
  appId: string,
  signal: AbortSignal,
  namespace = "default",
): Promise<readonly string[]> {
  const endpoints = await resolver.resolve({ appId, namespace }, signal);
  return endpoints.map(({ host, port }) => joinHostPort(host, port)).sort();
}

/** The same, with an empty list for an app that was not found. Other failures are thrown. */
export async function addressesOrNone(
  resolver: Resolver,
  appId: string,
  signal: AbortSignal,
  namespace = "default",
): Promise<readonly string[]> {
  try {
    return await addressesOf(resolver, appId, signal, namespace);
  } catch (reason) {
    if (isOutriggerError(reason, "OTR_RESOLVE_NOT_FOUND")) return [];
    throw reason;
  }
}

/** Where the instances listen for sidecars, sorted. */
export function addresses(...instances: readonly Instance[]): readonly string[] {
  return instances.map(({ host, internalPort }) => joinHostPort(host, internalPort)).sort();
}

/** Rejects unless the app resolves to exactly these instances, in any order. */
export async function expectInstances(
  resolver: Resolver,
  appId: string,
  instances: readonly Instance[],
  signal: AbortSignal,
  namespace = "default",
): Promise<void> {
  const found = await addressesOf(resolver, appId, signal, namespace);
  assert.deepEqual(found, addresses(...instances), `endpoints of ${appId}`);
}

/** Repeats until the condition holds. Rejects with what was seen last when it does not in time. */
export async function eventually<T>(
  withinMs: number,
  observe: () => Promise<T> | T,
  accepts: (value: T) => boolean,
  what: string,
): Promise<T> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const value = await observe();
    if (accepts(value)) return value;
    if (performance.now() > endsAt) {
      assert.fail(`${what}: not within ${withinMs} ms, last seen ${JSON.stringify(value)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Rejects unless the app resolves to exactly these instances before the time is over. */
export async function expectSoon(
  withinMs: number,
  resolver: Resolver,
  appId: string,
  instances: readonly Instance[],
  signal: AbortSignal,
): Promise<void> {
  const expected = addresses(...instances);
  await eventually(
    withinMs,
    () => addressesOrNone(resolver, appId, signal),
    (found) => found.join() === expected.join(),
    `endpoints of ${appId} become ${expected.join() || "none"}`,
  );
}

/** Rejects unless the app is unknown: right code, and the id in the message for people. */
export async function expectNotFound(
  resolver: Resolver,
  appId: string,
  signal: AbortSignal,
): Promise<OutriggerError> {
  const reason = await failureOf(resolver.resolve({ appId, namespace: "default" }, signal));
  assert.ok(
    isOutriggerError(reason, "OTR_RESOLVE_NOT_FOUND"),
    `expected OTR_RESOLVE_NOT_FOUND for ${appId}, got ${String(reason)}`,
  );
  assert.ok(reason.message.includes(appId), `the message names ${appId}: ${reason.message}`);
  return reason;
}

/** What the promise rejects with; rejects itself when the promise does not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
  if ("reason" in outcome) return outcome.reason;
  return assert.fail(`expected a rejection, got ${JSON.stringify(outcome.value)}`);
}

/** Time that the work took, in milliseconds. Work that takes longer than the limit rejects. */
export async function withinTime<T>(
  limitMs: number,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new assert.AssertionError({ message: `${what} took more than ${limitMs} ms` }));
    }, limitMs);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs the work with a started resolver and stops it afterwards. */
export async function withResolver(
  resolver: Resolver,
  signal: AbortSignal,
  work: (resolver: Resolver) => Promise<void>,
): Promise<void> {
  try {
    await resolver.start?.(signal);
    await work(resolver);
  } finally {
    await resolver.stop?.();
  }
}
