import {
  type ComponentFactory,
  type ComponentMetadata,
  errorText,
  goPattern,
  type HttpMiddlewareComponent,
  metadataValue,
  OutriggerError,
  parseOptions,
  plainAnswer,
} from "@outrigger/core";
import * as v from "valibot";

/** Options of `middlewareRouterChecker`. */
export interface MiddlewareRouterCheckerOptions {
  /** Regular expression that the path, still escaped, with its query must match somewhere. */
  readonly rule: string;
}

const schema = v.strictObject({ rule: v.string("must be a regular expression") });

/** Answer to a request that the rule does not match, as Dapr writes it. */
const refusal = plainAnswer(400, "invalid router");

/**
 * Lets only requests pass whose URI matches a pattern.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` for a rule that is no regular expression.
 */
export function middlewareRouterChecker(
  options: MiddlewareRouterCheckerOptions,
): ComponentFactory<HttpMiddlewareComponent> {
  const { rule } = parseOptions("middleware-router-checker", schema, options);
  const pattern = compiled(rule);
  return () => ({
    name: "middleware-router-checker",
    handle: async (request, next) => {
      const { path, query } = request;
      return pattern.test(query === "" ? path : `${path}?${query}`) ? next(request) : refusal;
    },
  });
}

function compiled(rule: string): RegExp {
  try {
    return goPattern(rule);
  } catch (cause) {
    throw new OutriggerError(`failed to compile rule regexp: ${errorText(cause)}`, {
      code: "OTR_OPTIONS_INVALID",
      cause,
    });
  }
}

/** Reads the settings as Dapr does: without a rule, everything passes. */
export function routerCheckerOptionsFromDapr(
  metadata: ComponentMetadata,
): MiddlewareRouterCheckerOptions {
  return { rule: metadataValue(metadata, "rule") ?? "" };
}
