export {
  bearerOptionsFromDapr,
  bearerOptionsFromDapr as optionsFromMetadata,
  type MiddlewareBearerOptions,
  middlewareBearer,
  middlewareBearer as middleware,
} from "./middleware-bearer.ts";
