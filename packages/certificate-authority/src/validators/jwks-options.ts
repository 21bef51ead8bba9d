import { readFileSync } from "node:fs";
import { OutriggerError, parseOptions } from "@outrigger/core";
import * as v from "valibot";

/** Options of `jwksValidator`. */
export interface JwksValidatorOptions {
  /** `https://` or `http://` URL, path of a file, or the set itself as JSON or base64. Required. */
  readonly source: string;
  /** The `aud` that tokens must name: SPIFFE id of the authority. Required. */
  readonly audience: string;
  /** PEM, or path of a PEM file, of the roots for an HTTPS source. Default the system's. */
  readonly caCertificate?: string | undefined;
  /** Time between two fetches of a URL, in milliseconds. Default 600000. */
  readonly refreshIntervalMs?: number | undefined;
  /** Bound on one fetch, in milliseconds. Default 30000. */
  readonly requestTimeoutMs?: number | undefined;
}

/** Options with their defaults. */
export interface JwksSettings {
  readonly source: string;
  readonly audience: string;
  readonly caCertificate: string | undefined;
  readonly refreshIntervalMs: number;
  readonly requestTimeoutMs: number;
}

const optionsSchema = v.strictObject({
  source: v.pipe(v.string("must be a string"), v.nonEmpty("must not be empty")),
  audience: v.string("must be a string"),
  caCertificate: v.optional(v.string("must be a string")),
  refreshIntervalMs: v.optional(v.pipe(v.number(), v.minValue(1, "must be positive")), 600_000),
  requestTimeoutMs: v.optional(v.pipe(v.number(), v.minValue(1, "must be positive")), 30_000),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function readJwksOptions(options: JwksValidatorOptions): JwksSettings {
  const parsed = parseOptions("certificate-authority: jwks validator", optionsSchema, options);
  const { caCertificate } = parsed;
  return { ...parsed, caCertificate: caCertificate && readCertificate(caCertificate) };
}

function readCertificate(text: string): string {
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  try {
    return readFileSync(text, "utf8");
  } catch (cause) {
    throw new OutriggerError(
      "certificate-authority: jwks validator: caCertificate: cannot be read",
      {
        code: "OTR_OPTIONS_INVALID",
        cause,
      },
    );
  }
}
