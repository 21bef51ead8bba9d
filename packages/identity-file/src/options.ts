import { parseOptions } from "@outrigger/core";
import type { TrustAnchorSource } from "@outrigger/spiffe";
import * as v from "valibot";

/** Options of an identity that lies in files. */
export interface IdentityFileOptions {
  /** PEM file: the leaf, then its issuers. */
  readonly certificateFile: string;
  /** PEM file with the key of the leaf, in PKCS#8. */
  readonly keyFile: string;
  /** What peers are verified with. */
  readonly trustAnchors: TrustAnchorSource;
  /** How often the files are looked at, in milliseconds. Default 1000. */
  readonly watchIntervalMs?: number;
}

const text = v.pipe(v.string("must be a text"), v.nonEmpty("must not be empty"));

const schema = v.strictObject({
  certificateFile: text,
  keyFile: text,
  trustAnchors: v.union(
    [
      v.strictObject({ pem: text }),
      v.strictObject({ file: text }),
      v.strictObject({ directory: text }),
    ],
    "must have pem, file or directory",
  ),
  watchIntervalMs: v.optional(
    v.pipe(
      v.number("must be a number of milliseconds"),
      v.integer("must be a whole number of milliseconds"),
      v.minValue(10, "must be at least 10"),
    ),
    1_000,
  ),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseIdentityOptions(options: IdentityFileOptions): Required<IdentityFileOptions> {
  return parseOptions("@outrigger/identity-file", schema, options);
}
