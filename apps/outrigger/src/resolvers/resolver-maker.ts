import {
  type ComponentContext,
  type ComponentFactory,
  errorText,
  OutriggerError,
  type Resolver,
} from "@outrigger/core";
import { isFunction } from "../packages/function-in.ts";

/** Makes a resolver for a sidecar. */
export type ResolverMaker = ComponentFactory<Resolver>;

/**
 * Binds a factory to its options. What the code of a package does wrong later on, it does inside
 * the sidecar; so a resolver that cannot be made becomes one that says why.
 * @throws OutriggerError of the factory when the options are wrong.
 */
export function makeResolver(
  label: string,
  factory: (options: unknown) => unknown,
  options: unknown,
): ResolverMaker {
  const make = factory(options);
  if (!isFunction(make)) {
    throw new OutriggerError(
      `${label}: resolver(options) must return a function that takes the context and returns the resolver`,
      { code: "OTR_OPTIONS_INVALID" },
    );
  }
  return (context: ComponentContext): Resolver => {
    try {
      const resolver = make(context);
      if (isResolver(resolver)) return resolver;
      return brokenResolver(label, "it has no name, features or resolve()");
    } catch (reason) {
      return brokenResolver(label, errorText(reason));
    }
  };
}

function isResolver(value: unknown): value is Resolver {
  if (typeof value !== "object" || value === null) return false;
  const { name, features, resolve } = value as Partial<Resolver>;
  return typeof name === "string" && typeof features === "object" && isFunction(resolve);
}

/** Stands in for a resolver that could not be made: the sidecar runs, and calls say what is wrong. */
function brokenResolver(label: string, why: string): Resolver {
  const fail = async (): Promise<never> => {
    throw new OutriggerError(`name resolver ${label} could not be made: ${why}`, {
      code: "OTR_RESOLVE_FAILED",
    });
  };
  return {
    name: label,
    features: { announces: false, namespaces: true, expires: true, watches: false },
    start: fail,
    resolve: fail,
  };
}
