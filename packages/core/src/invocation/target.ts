import { OutriggerError } from "../errors.ts";

/** What a target id means. */
export type Target =
  | { readonly kind: "app"; readonly appId: string; readonly namespace: string }
  | { readonly kind: "url"; readonly url: string };

/**
 * Reads a target id: `app`, `app.namespace`, or a URL that starts with lower-case `http://` or
 * `https://` (Dapr `pkg/messaging/direct_messaging.go`).
 * @param ownNamespace namespace of an id that names none.
 * @throws OutriggerError `OTR_TARGET_INVALID` when the id is empty or has more than one dot.
 */
export function parseTarget(id: string, ownNamespace: string): Target {
  if (id.startsWith("http://") || id.startsWith("https://")) return { kind: "url", url: id };
  const dot = id.indexOf(".");
  if (dot < 0) {
    if (id === "") throw new OutriggerError("app id is empty", { code: "OTR_TARGET_INVALID" });
    return { kind: "app", appId: id, namespace: ownNamespace };
  }
  if (id.indexOf(".", dot + 1) >= 0) {
    throw new OutriggerError(`invalid app id ${id}`, { code: "OTR_TARGET_INVALID" });
  }
  // An empty namespace means the default one, never "any".
  return { kind: "app", appId: id.slice(0, dot), namespace: id.slice(dot + 1) || ownNamespace };
}
