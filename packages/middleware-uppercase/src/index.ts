export {
  type MiddlewareUppercaseOptions,
  middlewareUppercase,
  middlewareUppercase as middleware,
  uppercaseOptionsFromDapr,
  uppercaseOptionsFromDapr as optionsFromMetadata,
} from "./middleware-uppercase.ts";
