import type { ResolveRequest } from "@outrigger/core";

const appIdPlaceholder = "{appid}";
const namespacePlaceholder = "{namespace}";
/** A label of a host name (RFC 1123 section 2.1), and `_`, which SRV names begin with. */
const label = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
/** Length of a whole name, RFC 1035 section 2.3.4, without its length bytes. */
const maxNameLength = 253;

/** What is wrong with a template, for people; undefined when it is good. */
export function templateProblem(template: string): string | undefined {
  if (!template.includes(appIdPlaceholder)) return `must contain ${appIdPlaceholder}`;
  const example = fill(template, "a", "a");
  const stranger = /\{[^}]*\}?/.exec(example);
  if (stranger !== null) {
    return `knows ${appIdPlaceholder} and ${namespacePlaceholder}, not ${stranger[0]}`;
  }
  return isName(example) ? undefined : "must be a host name once it is filled in";
}

/** True when the names of two namespaces differ. */
export function hasNamespace(template: string): boolean {
  return template.includes(namespacePlaceholder);
}

/** The name to ask for, or undefined when an id or a namespace cannot be part of one. */
export function nameOf(template: string, { appId, namespace }: ResolveRequest): string | undefined {
  // An id with a dot would be a part of the name that the template does not have.
  if (!label.test(appId)) return undefined;
  if (hasNamespace(template) && !label.test(namespace)) return undefined;
  const name = fill(template, appId, namespace);
  return isName(name) ? name : undefined;
}

function fill(template: string, appId: string, namespace: string): string {
  return template.replaceAll(appIdPlaceholder, appId).replaceAll(namespacePlaceholder, namespace);
}

function isName(name: string): boolean {
  const labels = name.replace(/\.$/, "").split(".");
  return name.length <= maxNameLength && labels.every((one) => label.test(one));
}
