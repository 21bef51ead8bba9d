export {
  type MiddlewareRouterCheckerOptions,
  middlewareRouterChecker,
  middlewareRouterChecker as middleware,
  routerCheckerOptionsFromDapr,
  routerCheckerOptionsFromDapr as optionsFromMetadata,
} from "./middleware-router-checker.ts";
