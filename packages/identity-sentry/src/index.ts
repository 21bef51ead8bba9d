export { identitySentry } from "./identity-sentry.ts";
export type { CertificateOutcome, IdentitySentryOptions, TokenValidatorName } from "./options.ts";
