export {
  type MiddlewareOAuth2Options,
  middlewareOAuth2,
  middlewareOAuth2 as middleware,
} from "./middleware-oauth2.ts";
export {
  oauth2OptionsFromDapr,
  oauth2OptionsFromDapr as optionsFromMetadata,
} from "./options-from-dapr.ts";
