import * as v from "valibot";

/** `allow` in any letter case allows; anything else denies. */
export type PolicyAction = string;

/** What one calling app may do. */
export interface CallerPolicy {
  readonly appId: string;
  readonly namespace: string;
  readonly trustDomain: string;
  /** For operations that match no rule. Default "": the default of all. */
  readonly defaultAction?: PolicyAction | undefined;
  /** Default: none. */
  readonly operations?: readonly OperationPolicy[] | undefined;
}

/** One operation, or many with wildcards. */
export interface OperationPolicy {
  /** Path pattern: `*` for the last segment or a part of one, `**` for one or more segments. */
  readonly name: string;
  /** Verbs in upper case, or `*`. Without any, the rule has no effect for HTTP apps. Default: none. */
  readonly httpVerb?: readonly string[] | undefined;
  readonly action: PolicyAction;
}

/** Options of the policy: `spec.accessControl` of a Configuration. */
export interface AccessPolicyOptions {
  /** For callers without a policy of their own, and without an identity. Default `allow`, as in Dapr. */
  readonly defaultAction?: PolicyAction | undefined;
  /** Taken for compatibility; decisions do not look at it. */
  readonly trustDomain?: string | undefined;
  /** Default: none. */
  readonly policies?: readonly CallerPolicy[] | undefined;
}

const text = v.string("must be a text");
const named = v.pipe(text, v.nonEmpty("must not be empty"));

const operation = v.strictObject({
  name: text,
  httpVerb: v.optional(v.array(text, "must be a list of verbs"), []),
  action: text,
});

const policy = v.strictObject({
  appId: named,
  namespace: named,
  trustDomain: named,
  defaultAction: v.optional(text, ""),
  operations: v.optional(v.array(operation, "must be a list of operations"), []),
});

/** Schema of {@link AccessPolicyOptions}. */
export const accessPolicySchema: v.GenericSchema<AccessPolicyOptions, ParsedOptions> =
  v.strictObject({
    defaultAction: v.optional(text, "allow"),
    trustDomain: v.optional(text, "public"),
    policies: v.optional(v.array(policy, "must be a list of policies"), []),
  });

/** Options with their defaults. */
export interface ParsedOptions {
  readonly defaultAction: PolicyAction;
  readonly trustDomain: string;
  readonly policies: readonly ParsedPolicy[];
}

/** A policy with its defaults. */
export interface ParsedPolicy {
  readonly appId: string;
  readonly namespace: string;
  readonly trustDomain: string;
  readonly defaultAction: PolicyAction;
  readonly operations: readonly {
    readonly name: string;
    readonly httpVerb: readonly string[];
    readonly action: PolicyAction;
  }[];
}
