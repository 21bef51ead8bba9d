import { errorText, type Logger, type RuntimeOptions } from "@outrigger/core";
import { type EndpointTls, egressHttp, type HttpEndpoint } from "@outrigger/egress-http";
import {
  type HttpEndpointDocument,
  mayReadVariable,
  type NamedValue,
  type SecretKeyRef,
  type TlsDocument,
  type TlsValue,
} from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import type { LocalSecrets } from "../secrets/local-secrets.ts";
import { isTracing } from "./compose-app.ts";
import type { PipelineParts } from "./compose-components.ts";
import { measuredEgress } from "./measured-egress.ts";
import type { SidecarResources } from "./read-resources.ts";

/** What the way out needs beside options and resources. */
export interface EgressParts extends PipelineParts {
  readonly secrets: LocalSecrets;
}

/** The way to URLs and to the endpoints of HTTPEndpoint documents. */
export function composeEgress(
  options: SidecarOptions,
  { configuration, loaded }: SidecarResources,
  parts: EgressParts,
): Pick<RuntimeOptions, "egress"> {
  const documents = loaded?.httpEndpoints ?? [];
  const egress = egressHttp({
    endpoints: documents.map((document) => endpointOf(document, parts)),
    maxConcurrency: options.appMaxConcurrency,
    traceContext: isTracing(configuration),
    ...(parts.pipeline === undefined ? {} : { pipeline: parts.pipeline }),
  });
  const { metrics } = parts;
  return { egress: metrics === undefined ? egress : measuredEgress(egress, metrics.httpClient) };
}

/** What a document lacks or has wrong costs its endpoint alone; every call of it tells why. */
function endpointOf(
  document: HttpEndpointDocument,
  { env, log, secrets }: Pick<EgressParts, "env" | "log" | "secrets">,
): HttpEndpoint {
  const { name, baseUrl } = document;
  const problems: string[] = [];
  const refer = (field: string, secret: SecretKeyRef): string => {
    try {
      return secrets.find(document.secretStore, secret);
    } catch (reason) {
      problems.push(`${field}: ${errorText(reason)}`);
      return "";
    }
  };
  const headers = document.headers.map((header, index) => {
    if (!header.value && !header.envRef && header.secretKeyRef !== undefined) {
      const field = `headers[${index}] (${header.name})`;
      return [header.name, refer(field, header.secretKeyRef)] as const;
    }
    return [header.name, headerText(header, name, env, log)] as const;
  });
  const { clientTls } = document;
  const tls = clientTls === undefined ? undefined : tlsOf(clientTls, refer);
  if (clientTls !== undefined && !renegotiations.has(clientTls.renegotiation)) {
    problems.push(
      `clientTLS.renegotiation: must be Never, OnceAsClient or FreelyAsClient (got ${JSON.stringify(clientTls.renegotiation)})`,
    );
  }
  return {
    name,
    baseUrl,
    headers,
    ...(tls === undefined ? {} : { tls }),
    ...(problems.length === 0 ? {} : { problem: problems.join("; ") }),
  };
}

/** Accepted as in Dapr, and without effect: Node's TLS does not renegotiate as a client. */
const renegotiations: ReadonlySet<string> = new Set([
  "",
  "Never",
  "OnceAsClient",
  "FreelyAsClient",
]);

function headerText(header: NamedValue, endpoint: string, env: Environment, log: Logger): string {
  if (header.value) return header.value;
  const { envRef } = header;
  if (!envRef) return "";
  if (mayReadVariable(envRef, env)) return env[envRef] ?? "";
  log.log(
    "warn",
    `HTTPEndpoint ${endpoint}: header ${header.name}: the environment variable ${JSON.stringify(envRef)} may not be read; the value is empty`,
  );
  return "";
}

function tlsOf(
  document: TlsDocument,
  refer: (field: string, secret: SecretKeyRef) => string,
): EndpointTls {
  const read = (field: string, item: TlsValue | undefined): string | undefined => {
    if (item === undefined || item.value) return item?.value;
    if (item.secretKeyRef === undefined) return undefined;
    return refer(`clientTLS.${field}`, item.secretKeyRef) || undefined;
  };
  const ca = read("rootCA", document.rootCa);
  const certificate = read("certificate", document.certificate);
  const privateKey = read("privateKey", document.privateKey);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(privateKey === undefined ? {} : { privateKey }),
  };
}
