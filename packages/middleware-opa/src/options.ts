import type { StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** Options of `middlewareOpa`: the policy, compiled, in memory or in a file. */
export interface MiddlewareOpaOptions {
  /** What `opa build -t wasm -e http/allow` wrote: a bundle (tar.gz), or its `policy.wasm` alone. */
  readonly policy?: Uint8Array;
  /** Path of such a file; a relative one starts at the working folder. Read once, at the start. */
  readonly policyFile?: string;
  /** Status of requests that the policy does not allow, and names no status for. Default 403. */
  readonly defaultStatus?: number;
  /** Headers of the request that the policy sees, in any case. Default none. */
  readonly includedHeaders?: readonly string[];
  /** Whether the policy sees the body, which is then held in memory. Default false. */
  readonly readBody?: boolean;
  /** Longer bodies are answered 413 when the policy sees them, in bytes. Default 4194304. */
  readonly maxBodyBytes?: number;
}

/** Options with their defaults. */
export interface OpaSettings {
  readonly policy?: Uint8Array | undefined;
  readonly policyFile?: string | undefined;
  readonly defaultStatus: number;
  readonly includedHeaders: readonly string[];
  readonly readBody: boolean;
  readonly maxBodyBytes: number;
}

const status = "must be a status from 200 to 599";
const bytes = "must be a number of bytes";
const names = "must be a list of names of headers";

export const schema: StandardSchema<OpaSettings> = v.pipe(
  v.strictObject({
    policy: v.optional(v.instance(Uint8Array, "must be bytes")),
    policyFile: v.optional(v.pipe(v.string("must be a path"), v.nonEmpty("must not be empty"))),
    defaultStatus: v.optional(
      v.pipe(v.number(status), v.integer(status), v.minValue(200, status), v.maxValue(599, status)),
      403,
    ),
    includedHeaders: v.optional(v.array(v.string(names), names), []),
    readBody: v.optional(v.boolean("must be true or false"), false),
    maxBodyBytes: v.optional(
      v.pipe(v.number(bytes), v.integer(bytes), v.minValue(0, bytes)),
      4_194_304,
    ),
  }),
  v.check(
    ({ policy, policyFile }) => (policy === undefined) !== (policyFile === undefined),
    "either policy or policyFile must be set",
  ),
);
