import type { AccessPolicy } from "@outrigger/core";

/** Rules as plain data: those of Dapr's `accessControl`. */
export interface AccessRules {
  readonly defaultAction: "allow" | "deny";
  readonly policies: readonly {
    readonly appId: string;
    readonly namespace: string;
    readonly trustDomain: string;
    readonly defaultAction?: "allow" | "deny";
    readonly operations: readonly {
      readonly name: string;
      readonly httpVerb: readonly string[];
      readonly action: "allow" | "deny";
    }[];
  }[];
}

/** An access policy under test. */
export interface AccessSubject {
  /** Makes the policy that carries out the rules, started where it must be. */
  readonly make: (rules: AccessRules) => Promise<AccessPolicy> | AccessPolicy;
}
