import {
  type ComponentFactory,
  type ComponentMetadata,
  type HttpMiddlewareComponent,
  type HttpResponse,
  metadataValue,
  parseOptions,
} from "@outrigger/core";
import * as v from "valibot";
import { goPattern } from "./go-pattern.ts";

/** Options of `middlewareRouterChecker`. */
export interface MiddlewareRouterCheckerOptions {
  /** Regular expression that the path, still escaped, with its query must match somewhere. */
  readonly rule: string;
}

const schema = v.strictObject({ rule: v.string("must be a regular expression") });

/** Answer to a request that the rule does not match, as Dapr writes it. */
const refusal: HttpResponse = {
  status: 400,
  headers: ["Content-Type", "text/plain; charset=utf-8", "X-Content-Type-Options", "nosniff"],
  body: new TextEncoder().encode("invalid router\n"),
};

/**
 * Lets only requests pass whose URI matches a pattern.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` for a rule that is no regular expression.
 */
export function middlewareRouterChecker(
  options: MiddlewareRouterCheckerOptions,
): ComponentFactory<HttpMiddlewareComponent> {
  const { rule } = parseOptions("middleware-router-checker", schema, options);
  const pattern = goPattern(rule);
  return () => ({
    name: "middleware-router-checker",
    handle: async (request, next) => {
      const { path, query } = request;
      return pattern.test(query === "" ? path : `${path}?${query}`) ? next(request) : refusal;
    },
  });
}

/** Reads the settings as Dapr does: without a rule, everything passes. */
export function routerCheckerOptionsFromDapr(
  metadata: ComponentMetadata,
): MiddlewareRouterCheckerOptions {
  return { rule: metadataValue(metadata, "rule") ?? "" };
}
