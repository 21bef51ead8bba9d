export { identitySentry } from "./identity-sentry.ts";
export type { IdentitySentryOptions, TokenValidatorName } from "./options.ts";
