export {
  type MiddlewareRateLimitOptions,
  middlewareRateLimit,
  middlewareRateLimit as middleware,
  rateLimitOptionsFromDapr,
  rateLimitOptionsFromDapr as optionsFromMetadata,
} from "./middleware-rate-limit.ts";
