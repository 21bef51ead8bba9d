import type { Logger, RuntimeOptions } from "@outrigger/core";
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
import { isTracing } from "./compose-app.ts";
import type { PipelineParts } from "./compose-middleware.ts";
import type { SidecarResources } from "./read-resources.ts";

/** The way to URLs and to the endpoints of HTTPEndpoint documents. */
export function composeEgress(
  options: SidecarOptions,
  { configuration, loaded }: SidecarResources,
  { env, log, pipeline }: PipelineParts,
): Pick<RuntimeOptions, "egress"> {
  const documents = loaded?.httpEndpoints ?? [];
  return {
    egress: egressHttp({
      endpoints: documents.map((document) => endpointOf(document, env, log)),
      maxConcurrency: options.appMaxConcurrency,
      traceContext: isTracing(configuration),
      ...(pipeline === undefined ? {} : { pipeline }),
    }),
  };
}

/** What a document lacks or has wrong costs its endpoint alone; every call of it tells why. */
function endpointOf(document: HttpEndpointDocument, env: Environment, log: Logger): HttpEndpoint {
  const { name, baseUrl } = document;
  const problems: string[] = [];
  const refer = (field: string, secret: SecretKeyRef): void => {
    problems.push(secretProblem(field, secret, document.secretStore));
  };
  const headers = document.headers.map((header, index) => {
    if (!header.value && !header.envRef && header.secretKeyRef !== undefined) {
      refer(`headers[${index}] (${header.name})`, header.secretKeyRef);
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

function secretProblem(field: string, { name, key }: SecretKeyRef, store: string): string {
  const where = store === "" ? "no secret store is named" : `secret store ${JSON.stringify(store)}`;
  return `${field}: secretKeyRef ${JSON.stringify(name)} (key ${JSON.stringify(key)}) cannot be read: ${where}; secret stores are not part of this version`;
}

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
  refer: (field: string, secret: SecretKeyRef) => void,
): EndpointTls {
  const read = (field: string, item: TlsValue | undefined): string | undefined => {
    if (item === undefined || item.value) return item?.value;
    if (item.secretKeyRef !== undefined) refer(`clientTLS.${field}`, item.secretKeyRef);
    return undefined;
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
