import { type ComponentContext, silentLogger } from "@outrigger/core";

/** A context for a component under test; anything in it can be replaced. */
export function testContext(overrides: Partial<ComponentContext> = {}): ComponentContext {
  return {
    appId: "conformance",
    namespace: "default",
    log: silentLogger,
    now: Date.now,
    random: Math.random,
    ...overrides,
  };
}
