import {
  type AccessDecision,
  type AccessPolicy,
  type AccessRequest,
  type ByteString,
  type ComponentFactory,
  type Logger,
  type PeerIdentity,
  parseOptions,
} from "@outrigger/core";
import { type OperationRule, OperationTree } from "./operation-tree.ts";
import {
  type AccessPolicyOptions,
  accessPolicySchema,
  type ParsedOptions,
  type ParsedPolicy,
  type PolicyAction,
} from "./options.ts";

/**
 * Decides by Dapr's `accessControl` rules who may call what (Dapr `pkg/acl/acl.go`). The caller is
 * who its certificate proves; nothing in the request counts.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when the rules are not well formed.
 */
export function accessPolicy(options: AccessPolicyOptions = {}): ComponentFactory<AccessPolicy> {
  const parsed = parseOptions("@outrigger/access-policy", accessPolicySchema, options);
  return ({ log }) => new RuleBook(parsed, log);
}

/** The rules for one caller. HTTP paths are compared without letter case, gRPC methods with it. */
interface CallerRules {
  readonly trustDomain: string;
  readonly ownDefault: PolicyAction;
  readonly http: OperationTree;
  readonly grpc: OperationTree;
}

class RuleBook implements AccessPolicy {
  readonly name = "access-policy";
  readonly #defaultAllowed: boolean;
  readonly #callers: Map<string, CallerRules> = new Map();

  constructor({ defaultAction, policies }: ParsedOptions, log: Logger) {
    if (defaultAction === "") {
      log.log(
        "warn",
        "No global default action has been specified. Setting default global action as Deny",
      );
    }
    this.#defaultAllowed = isAllow(defaultAction);
    if (policies.length > 0 && this.#defaultAllowed) {
      log.log(
        "warn",
        "accessControl.defaultAction is allow: apps without a policy of their own, and callers without an identity, may call everything",
      );
    }
    for (const policy of policies) {
      this.#callers.set(callerKey(policy.namespace, policy.appId), toRules(policy, log));
    }
  }

  decide({ peer, method, verb, protocol }: AccessRequest): AccessDecision {
    if (peer === undefined) return this.#byDefault("the caller proved no identity");
    if (peer.appId === "" || peer.namespace === "") {
      return denied(`malformed SPIFFE ID: ${peer.spiffeId}`);
    }
    const rules = this.#callers.get(callerKey(peer.namespace, peer.appId));
    if (rules === undefined) return this.#byDefault(`no policy for ${describe(peer)}`);
    if (rules.trustDomain !== peer.trustDomain) {
      return this.#byDefault(`the policy for ${describe(peer)} is for ${rules.trustDomain}`);
    }
    return this.#byRules(rules, method, verb, protocol);
  }

  #byRules(
    rules: CallerRules,
    method: ByteString,
    verb: string,
    protocol: AccessRequest["protocol"],
  ): AccessDecision {
    const isOwn = rules.ownDefault !== "";
    const scope = isOwn ? "app" : "global";
    const otherwise = isOwn ? isAllow(rules.ownDefault) : this.#defaultAllowed;
    const operation = operationOf(method, protocol);
    const rule = rules[protocol].find(operation);
    if (rule === undefined) {
      return { allowed: otherwise, scope, reason: `no rule for operation ${operation}` };
    }
    if (protocol === "grpc") return byRule(rule, scope);
    // Dapr's reading: without a verb the caller's own default decides, and none is a denial.
    if (verb === "") {
      return { allowed: isAllow(rules.ownDefault), scope, reason: `no verb for ${rule.pattern}` };
    }
    if (rule.verbs.has(verb) || rule.verbs.has("*")) return byRule(rule, scope);
    return { allowed: otherwise, scope, reason: `${rule.pattern} does not speak of ${verb}` };
  }

  #byDefault(reason: string): AccessDecision {
    return { allowed: this.#defaultAllowed, scope: "global", reason };
  }
}

function byRule(rule: OperationRule, scope: "app" | "global"): AccessDecision {
  return { allowed: rule.allowed, scope, reason: `rule for operation ${rule.pattern}` };
}

function denied(reason: string): AccessDecision {
  return { allowed: false, scope: "global", reason };
}

function toRules({ appId, trustDomain, defaultAction, operations }: ParsedPolicy, log: Logger) {
  const rules: CallerRules = {
    trustDomain,
    ownDefault: defaultAction,
    http: new OperationTree(),
    grpc: new OperationTree(),
  };
  for (const { name, httpVerb, action } of operations) {
    const path = name.startsWith("/") ? name : `/${name}`;
    const rule = { pattern: name, allowed: isAllow(action), verbs: new Set(httpVerb) };
    rules.http.add(path.toLowerCase(), rule);
    if (!rules.grpc.add(path, rule)) {
      log.log(
        "warn",
        `accessControl policy for ${appId}: operation ${name} is named twice and only the first counts; list all verbs there`,
      );
    }
  }
  return rules;
}

/** The operation that rules speak of: a path with its slash, for HTTP in lower case. */
function operationOf(method: ByteString, protocol: AccessRequest["protocol"]): string {
  const path = method.startsWith("/") ? method : `/${method}`;
  // Rules are text, the method is bytes.
  const text = /[^\x00-\x7f]/.test(path) ? Buffer.from(path, "latin1").toString() : path;
  return protocol === "http" ? text.toLowerCase() : text;
}

function isAllow(action: PolicyAction): boolean {
  return action.toLowerCase() === "allow";
}

function describe({ namespace, appId }: PeerIdentity): string {
  return `app ${appId} in namespace ${namespace}`;
}

/** Neither part can hold a slash: SPIFFE forbids it. */
function callerKey(namespace: string, appId: string): string {
  return `${namespace}/${appId}`;
}
