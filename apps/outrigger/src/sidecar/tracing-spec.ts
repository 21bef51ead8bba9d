import { OutriggerError } from "@outrigger/core";
import type { OtelSpec, TracingSpec } from "@outrigger/resources";
import type { Environment } from "../flags/validate-options.ts";

const endpointKeys = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const protocolKeys = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const insecureKeys = ["OTEL_EXPORTER_OTLP_TRACES_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"];
const headerKeys = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
const timeoutKeys = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];

const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * What the Configuration says about tracing, with what the environment adds where it names no OTLP
 * endpoint (Dapr `pkg/config/env`, which reads the same variables).
 * @throws OutriggerError `OTR_OPTIONS_INVALID` for headers or a timeout that cannot be read.
 */
export function tracingSpec(spec: TracingSpec, env: Environment): TracingSpec {
  const { otel } = spec;
  if (otel.endpointAddress !== "") return { ...spec, otel: plainByEnvironment(otel, env) };
  const headers = [...otel.headers, ...environmentHeaders(first(env, headerKeys))];
  const timeoutMs = environmentTimeout(first(env, timeoutKeys)) ?? otel.timeoutMs;
  const endpoint = first(env, endpointKeys);
  if (endpoint === "") return { ...spec, otel: { ...otel, headers, timeoutMs } };
  return {
    ...spec,
    samplingRate: spec.samplingRate === "" ? "1" : spec.samplingRate,
    otel: plainByEnvironment(
      {
        endpointAddress: endpoint.replace(/^https?:\/\//, ""),
        protocol: first(env, protocolKeys).startsWith("http") ? "http" : "grpc",
        isSecure: otel.isSecure && env.OTEL_EXPORTER_OTLP_INSECURE !== "true",
        headers,
        timeoutMs,
      },
      env,
    ),
  };
}

/** OpenTelemetry's library takes plaintext as its default where the environment asks for it. */
function plainByEnvironment(otel: OtelSpec, env: Environment): OtelSpec {
  const isPlain =
    first(env, insecureKeys).toLowerCase() === "true" ||
    first(env, endpointKeys).startsWith("http://");
  return isPlain ? { ...otel, isSecure: false } : otel;
}

function first(env: Environment, names: readonly string[]): string {
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== "") return value;
  }
  return "";
}

function environmentHeaders(text: string): readonly string[] {
  if (text === "") return [];
  return text.split(",").map((pair) => {
    const separator = pair.indexOf("=");
    const name = pair.slice(0, Math.max(0, separator)).trim();
    const value = decoded(pair.slice(separator + 1));
    if (separator < 0 || !headerName.test(name) || value === undefined) {
      // The value may be a secret, so the text is not shown.
      throw invalid(`invalid OTLP header in the environment: ${JSON.stringify(name)}`);
    }
    return `${name}=${value.trim()}`;
  });
}

function environmentTimeout(text: string): number | undefined {
  if (text === "") return undefined;
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw invalid(`invalid OTLP timeout in the environment: ${JSON.stringify(text)}`);
}

/** Attributes of `OTEL_RESOURCE_ATTRIBUTES`; pairs that cannot be read are left out. */
export function resourceAttributes(env: Environment): Readonly<Record<string, string>> {
  const attributes: [string, string][] = [];
  for (const pair of (env.OTEL_RESOURCE_ATTRIBUTES ?? "").split(",")) {
    const separator = pair.indexOf("=");
    if (separator < 1) continue;
    const value = decoded(pair.slice(separator + 1).trim());
    if (value !== undefined) attributes.push([pair.slice(0, separator).trim(), value]);
  }
  return Object.fromEntries(attributes);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
