export {
  type MiddlewareRouterAliasOptions,
  middlewareRouterAlias,
  middlewareRouterAlias as middleware,
  routerAliasOptionsFromDapr,
  routerAliasOptionsFromDapr as optionsFromMetadata,
} from "./middleware-router-alias.ts";
