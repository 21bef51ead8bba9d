export {
  type MiddlewareOAuth2ClientCredentialsOptions,
  middlewareOAuth2ClientCredentials,
  middlewareOAuth2ClientCredentials as middleware,
} from "./middleware-oauth2-client-credentials.ts";
export {
  oauth2ClientCredentialsOptionsFromDapr,
  oauth2ClientCredentialsOptionsFromDapr as optionsFromMetadata,
} from "./options-from-dapr.ts";
