export { accessPolicy } from "./access-policy.ts";
export type {
  AccessPolicyOptions,
  CallerPolicy,
  OperationPolicy,
  PolicyAction,
} from "./options.ts";
