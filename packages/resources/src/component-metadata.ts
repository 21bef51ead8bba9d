import { randomUUID } from "node:crypto";
import { OutriggerError } from "@outrigger/core";
import type { Environment } from "./expand-env.ts";
import type { ComponentDocument, NamedValue, SecretKeyRef } from "./resource-documents.ts";

/** What the values of a component may refer to. */
export interface MetadataSources {
  readonly appId: string;
  readonly namespace: string;
  readonly env: Environment;
  /** The secret of a store. Throws when there is none. */
  readonly secret: (store: string, ref: SecretKeyRef) => string;
}

/** The settings of a component, and what is odd about them. */
export interface ComponentValues {
  readonly values: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/**
 * Works out the settings of a component: literal values with their templates, variables and secrets.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` for `{podName}` outside of a pod, and what `secret` throws.
 */
export function componentValues(
  document: ComponentDocument,
  sources: MetadataSources,
): ComponentValues {
  const values: Record<string, string> = {};
  const warnings: string[] = [];
  for (const item of document.metadata) {
    const text = plainText(item, document, sources, warnings);
    values[item.name] = fillTemplates(item.name, text, sources);
  }
  return { values, warnings };
}

function plainText(
  item: NamedValue,
  document: ComponentDocument,
  { env, secret }: MetadataSources,
  warnings: string[],
): string {
  const { name, value, envRef, secretKeyRef } = item;
  if (value) return value;
  if (secretKeyRef !== undefined && secretKeyRef.name !== "") {
    return secret(document.secretStore, secretKeyRef);
  }
  if (!envRef) return "";
  if (mayReadVariable(envRef, env)) return env[envRef] ?? "";
  warnings.push(
    `component ${document.name}: ${name}: the environment variable ${JSON.stringify(envRef)} may not be read; the value is empty`,
  );
  return "";
}

/** Whether a resource may read a variable: the sidecar's own secrets stay its own. */
export function mayReadVariable(variable: string, env: Environment): boolean {
  const name = variable.toUpperCase();
  if (name === "APP_API_TOKEN" || name.startsWith("DAPR_") || name.includes(" ")) return false;
  const allowed = env.DAPR_ENV_KEYS;
  return !allowed || allowed.split(" ").includes(name);
}

function fillTemplates(property: string, text: string, sources: MetadataSources): string {
  const { appId, namespace, env } = sources;
  return text.replace(/\{(uuid|podName|namespace|appID)\}/g, (_whole, template: string) => {
    if (template === "uuid") return randomUUID();
    // Not the namespace alone: Dapr makes names of it that no two apps share.
    if (template === "namespace") return `${namespace}.${appId}`;
    if (template === "appID") return appId;
    if (env.POD_NAME) return env.POD_NAME;
    throw new OutriggerError(
      `failed to parse metadata: property ${property} refers to {podName} but podName is not set`,
      { code: "OTR_OPTIONS_INVALID" },
    );
  });
}
