import { parseOptions } from "@outrigger/core";
import { parseTrustDomain, type TrustAnchorSource } from "@outrigger/spiffe";
import * as v from "valibot";

/** How the authority checks the credential of a request. `none` leaves the choice to it. */
export type TokenValidatorName = "none" | "insecure" | "kubernetes" | "jwks";

/** Options of an identity that comes from Dapr's certificate authority. */
export interface IdentitySentryOptions {
  /** Host and port of the authority. */
  readonly address: string;
  /** What the authority itself is verified with, and peers later. */
  readonly trustAnchors: TrustAnchorSource;
  /** Trust domain of the authority. Default `localhost`. */
  readonly controlPlaneTrustDomain?: string;
  /** Namespace of the authority. Default `default`. */
  readonly controlPlaneNamespace?: string;
  /** Name to ask for. Default: the app id. */
  readonly requestedId?: string;
  /** File that holds the credential, read for each request. Default: none is sent. */
  readonly tokenFile?: string;
  /** Default `none`. */
  readonly validator?: TokenValidatorName;
  /** Audiences of JWT SVIDs to ask for. Default: none. */
  readonly jwtAudiences?: readonly string[];
  /** Bound of one request, in milliseconds. Default 3000. */
  readonly requestTimeoutMs?: number;
  /** Pause after a failed renewal, in milliseconds. Default 10000. */
  readonly retryDelayMs?: number;
  /** Told of every certificate and every failed renewal, for metrics. Must not throw. Default none. */
  readonly onCertificate?: (outcome: CertificateOutcome) => void;
}

/**
 * The first certificate, a later one, or why there was none, in the words of Dapr's metrics: the
 * authority is away, the own token is unreadable, it refused, its answer does not hold.
 */
export type CertificateOutcome =
  | "ready"
  | "renewed"
  | "sentry_conn"
  | "sentry_token"
  | "sign"
  | "invalid_ts";

const text = v.string("must be a text");
const address = v.pipe(
  text,
  v.regex(
    /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:/]+):\d{1,5}$/,
    "must be host:port, for example 127.0.0.1:50001",
  ),
);
const trustDomain = v.pipe(
  text,
  v.check((value) => parseTrustDomain(value) !== undefined, "must be a trust domain in lower case"),
);
const duration = v.pipe(
  v.number("must be a number of milliseconds"),
  v.integer("must be a whole number of milliseconds"),
  v.minValue(1, "must be at least 1"),
);

const schema = v.strictObject({
  address,
  trustAnchors: v.union(
    [
      v.strictObject({ pem: text }),
      v.strictObject({ file: text }),
      v.strictObject({ directory: text }),
    ],
    "must have pem, file or directory",
  ),
  controlPlaneTrustDomain: v.optional(trustDomain, "localhost"),
  controlPlaneNamespace: v.optional(text, "default"),
  requestedId: v.optional(v.pipe(text, v.nonEmpty("must not be empty"))),
  tokenFile: v.optional(v.pipe(text, v.nonEmpty("must not be empty"))),
  validator: v.optional(v.picklist(["none", "insecure", "kubernetes", "jwks"]), "none"),
  jwtAudiences: v.optional(v.array(text, "must be a list of texts"), []),
  requestTimeoutMs: v.optional(duration, 3_000),
  retryDelayMs: v.optional(duration, 10_000),
  onCertificate: v.optional(
    v.custom<(outcome: CertificateOutcome) => void>(
      (value) => typeof value === "function",
      "must be a function",
    ),
  ),
});

/** Options with their defaults. */
export interface ParsedOptions {
  readonly address: string;
  readonly trustAnchors: TrustAnchorSource;
  readonly controlPlaneTrustDomain: string;
  readonly controlPlaneNamespace: string;
  readonly requestedId?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly validator: TokenValidatorName;
  readonly jwtAudiences: readonly string[];
  readonly requestTimeoutMs: number;
  readonly retryDelayMs: number;
  readonly onCertificate?: ((outcome: CertificateOutcome) => void) | undefined;
}

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseIdentityOptions(options: IdentitySentryOptions): ParsedOptions {
  return parseOptions("@outrigger/identity-sentry", schema, options);
}
