import {
  type ComponentFactory,
  type ComponentMetadata,
  errorText,
  type HttpMiddlewareComponent,
  metadataValue,
  OutriggerError,
  parseOptions,
} from "@outrigger/core";
import * as v from "valibot";
import { parse } from "yaml";
import { RouteTable } from "./route-table.ts";

/** Options of `middlewareRouterAlias`. */
export interface MiddlewareRouterAliasOptions {
  /**
   * Paths, and what they are replaced by. A segment `{name}` of a path stands for any one; its value
   * is added to the query.
   */
  readonly routes: Readonly<Record<string, string>>;
}

const path = v.pipe(v.string("must be a path"), v.startsWith("/", "must begin with a slash"));
const schema = v.strictObject({ routes: v.record(path, path, "must be a map of paths to paths") });

/** Gives paths other names. */
export function middlewareRouterAlias(
  options: MiddlewareRouterAliasOptions,
): ComponentFactory<HttpMiddlewareComponent> {
  const { routes } = parseOptions("middleware-router-alias", schema, options);
  const table = new RouteTable(routes);
  return () => ({
    name: "middleware-router-alias",
    handle: async (request, next) => {
      const found = table.find(request.path);
      if (found === undefined) return next(request);
      const query = [request.query, found.query].filter((part) => part !== "").join("&");
      return next({ ...request, path: found.path, query });
    },
  });
}

/**
 * Reads the settings as Dapr does: `routes` holds JSON or YAML; without it, each setting is a route.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when `routes` is no map of paths.
 */
export function routerAliasOptionsFromDapr(
  metadata: ComponentMetadata,
): MiddlewareRouterAliasOptions {
  const text = metadataValue(metadata, "routes");
  if (text === undefined || text === "") return { routes: eachOne(metadata) };
  try {
    const routes: unknown = parse(text) ?? {};
    return parseOptions("middleware-router-alias", schema, { routes });
  } catch (cause) {
    throw new OutriggerError(
      `failed to decode 'routes' property as JSON or YAML: ${errorText(cause)}`,
      {
        code: "OTR_OPTIONS_INVALID",
        cause,
      },
    );
  }
}

/** Settings that are routes themselves, the older way to write them. */
function eachOne(metadata: ComponentMetadata): Readonly<Record<string, string>> {
  if (!Object.entries(metadata).flat().includes("")) return metadata;
  throw new OutriggerError("invalid key/value pair in metadata: must not be empty", {
    code: "OTR_OPTIONS_INVALID",
  });
}
