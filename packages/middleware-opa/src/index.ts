export {
  type MiddlewareOpaOptions,
  middlewareOpa,
  middlewareOpa as middleware,
} from "./middleware-opa.ts";
export {
  opaOptionsFromDapr,
  opaOptionsFromDapr as optionsFromMetadata,
} from "./options-from-dapr.ts";
