import type {
  AccessControlOperation,
  AccessControlPolicy,
  AccessControlSpec,
  ApiAccessRule,
  Configuration,
  Feature,
  LoggingSpec,
  MetricSpec,
  MtlsSpec,
  NameResolutionMember,
  NameResolutionSpec,
  OtelSpec,
  TracingSpec,
} from "./configuration.ts";
import { metric, pipeline } from "./decode-pipeline.ts";
import { anything, bool, type Cursor, type Decode, duration, list, string } from "./decoder.ts";

const specFields = [
  "httpPipeline",
  "appHttpPipeline",
  "tracing",
  "metric",
  "metrics",
  "mtls",
  "accessControl",
  "nameResolution",
  "api",
  "logging",
  "features",
  "components",
  // Of building blocks that are out of scope: known, and without effect.
  "secrets",
  "wasm",
  "workflow",
];

/** Reads a whole Configuration document; what is absent gets Dapr's default. */
export function decodeConfiguration(root: Cursor): Configuration {
  const top = root.fields(["apiVersion", "kind", "metadata", "spec", "scopes", "auth"]);
  const get = top?.("spec").fields(specFields) ?? ((name: string) => root.at(name, undefined));
  return {
    httpPipeline: pipeline(get("httpPipeline")) ?? [],
    appHttpPipeline: pipeline(get("appHttpPipeline")) ?? [],
    tracing: tracing(get("tracing")),
    metric: mergedMetric(metric(get("metric")), metric(get("metrics"))),
    mtls: mtls(get("mtls")),
    accessControl: accessControl(get("accessControl")),
    nameResolution: nameResolution(get("nameResolution")),
    api: api(get("api")),
    apiLogging: logging(get("logging")),
    features: list(feature)(get("features")) ?? [],
    deniedComponents: deniedComponents(get("components")),
  };
}

/** What is in `metrics` overrides the same field of `metric`; the order is that of Dapr's type. */
function mergedMetric(base: Partial<MetricSpec>, over: Partial<MetricSpec>): MetricSpec {
  const { enabled = true, recordErrorCodes, http, ...rest } = { ...base, ...over };
  return {
    enabled,
    ...(recordErrorCodes === undefined ? {} : { recordErrorCodes }),
    ...(http === undefined ? {} : { http }),
    ...rest,
  };
}

function tracing(cursor: Cursor): TracingSpec {
  const get = cursor.fields(["samplingRate", "stdout", "zipkin", "otel"]);
  const zipkin = get?.("zipkin").fields(["endpointAddress"]);
  return {
    samplingRate: (get && string(get("samplingRate"))) ?? "",
    stdout: (get && bool(get("stdout"))) ?? false,
    zipkinEndpointAddress: (zipkin && string(zipkin("endpointAddress"))) ?? "",
    otel: otel(get?.("otel") ?? cursor.at("otel", undefined)),
  };
}

function otel(cursor: Cursor): OtelSpec {
  const get = cursor.fields(["protocol", "endpointAddress", "isSecure", "headers", "timeout"]);
  return {
    protocol: (get && string(get("protocol"))) ?? "",
    endpointAddress: (get && string(get("endpointAddress"))) ?? "",
    isSecure: (get && bool(get("isSecure"))) ?? true,
    headers: (get && list(otelHeader)(get("headers"))) ?? [],
    timeoutMs: get && duration(get("timeout")),
  };
}

/** Written as `name=value` in files, and as a map in clusters; both give the same pair. */
const otelHeader: Decode<string> = (cursor) => {
  if (cursor.tree?.kind !== "map") return string(cursor);
  const get = cursor.fields(["name", "value", "secretKeyRef"]);
  return get && `${string(get("name")) ?? ""}=${string(get("value")) ?? ""}`;
};

function mtls(cursor: Cursor): MtlsSpec {
  const get = cursor.fields([
    "enabled",
    "workloadCertTTL",
    "allowedClockSkew",
    "sentryAddress",
    "controlPlaneTrustDomain",
    "tokenValidators",
  ]);
  return {
    enabled: (get && bool(get("enabled"))) ?? false,
    workloadCertTtlMs: get && duration(get("workloadCertTTL")),
    allowedClockSkewMs: get && duration(get("allowedClockSkew")),
    sentryAddress: (get && string(get("sentryAddress"))) ?? "",
    controlPlaneTrustDomain: (get && string(get("controlPlaneTrustDomain"))) ?? "",
    tokenValidators: (get && list(tokenValidator)(get("tokenValidators"))) ?? [],
  };
}

const tokenValidator: Decode<MtlsSpec["tokenValidators"][number]> = (cursor) => {
  const get = cursor.fields(["name", "options"]);
  return get && { name: string(get("name")) ?? "", options: anything(get("options")) ?? null };
};

function accessControl(cursor: Cursor): AccessControlSpec | undefined {
  if (cursor.absent) return undefined;
  const get = cursor.fields(["defaultAction", "trustDomain", "policies"]);
  return (
    get && {
      defaultAction: string(get("defaultAction")) ?? "allow",
      trustDomain: string(get("trustDomain")) ?? "public",
      policies: list(policy)(get("policies")) ?? [],
    }
  );
}

const policy: Decode<AccessControlPolicy> = (cursor) => {
  const get = cursor.fields(["appId", "defaultAction", "trustDomain", "namespace", "operations"]);
  return (
    get && {
      appId: string(get("appId")) ?? "",
      defaultAction: string(get("defaultAction")) ?? "",
      trustDomain: string(get("trustDomain")) ?? "",
      namespace: string(get("namespace")) ?? "",
      operations: list(operation)(get("operations")) ?? [],
    }
  );
};

const operation: Decode<AccessControlOperation> = (cursor) => {
  const get = cursor.fields(["name", "httpVerb", "action"]);
  return (
    get && {
      name: string(get("name")) ?? "",
      httpVerb: list(string)(get("httpVerb")) ?? [],
      action: string(get("action")) ?? "",
    }
  );
};

function nameResolution(cursor: Cursor): NameResolutionSpec {
  const get = cursor.fields(["component", "version", "configuration", "balancer"]);
  const component = get?.("component");
  const isList = component?.tree?.kind === "list";
  return {
    component: (component !== undefined && !isList && string(component)) || "",
    version: (get && string(get("version"))) || "v1",
    configuration: get && anything(get("configuration")),
    members: component && isList ? list(nameResolutionMember)(component) : undefined,
    balancer: get && anything(get("balancer")),
  };
}

/** Written as a name, or as a map with the resolver's own settings. */
const nameResolutionMember: Decode<NameResolutionMember> = (cursor) => {
  const plain = cursor.tree?.kind === "scalar";
  const get = plain
    ? undefined
    : cursor.fields(["component", "version", "configuration", "timeout"]);
  const component = plain ? string(cursor) : get && string(get("component"));
  if (!component) return cursor.wrong("the name of a resolver, or a map with component");
  return {
    component,
    version: (get && string(get("version"))) || "v1",
    configuration: get && anything(get("configuration")),
    timeoutMs: get && duration(get("timeout")),
  };
};

function api(cursor: Cursor): Configuration["api"] {
  const get = cursor.fields(["allowed", "denied"]);
  return {
    allowed: (get && list(apiRule)(get("allowed"))) ?? [],
    denied: (get && list(apiRule)(get("denied"))) ?? [],
  };
}

const apiRule: Decode<ApiAccessRule> = (cursor) => {
  const get = cursor.fields(["name", "version", "protocol"]);
  return (
    get && {
      name: string(get("name")) ?? "",
      version: string(get("version")) ?? "",
      protocol: string(get("protocol")) ?? "",
    }
  );
};

function logging(cursor: Cursor): LoggingSpec {
  const outer = cursor.fields(["apiLogging"]);
  const get = outer?.("apiLogging").fields(["enabled", "obfuscateURLs", "omitHealthChecks"]);
  return {
    enabled: get && bool(get("enabled")),
    obfuscateUrls: (get && bool(get("obfuscateURLs"))) ?? false,
    omitHealthChecks: (get && bool(get("omitHealthChecks"))) ?? false,
  };
}

const feature: Decode<Feature> = (cursor) => {
  const get = cursor.fields(["name", "enabled"]);
  return get && { name: string(get("name")) ?? "", enabled: bool(get("enabled")) ?? false };
};

function deniedComponents(cursor: Cursor): readonly string[] {
  const get = cursor.fields(["deny"]);
  return (get && list(string)(get("deny"))) ?? [];
}
