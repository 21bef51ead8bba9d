import { decodePolicies } from "./decode-policies.ts";
import { anything, bool, type Cursor, type Decode, duration, list, string } from "./decoder.ts";
import type {
  ComponentDocument,
  ConfigurationDocument,
  HttpEndpointDocument,
  NamedValue,
  ResiliencyDocument,
  SecretKeyRef,
  TlsDocument,
  TlsValue,
} from "./resource-documents.ts";

/** What every kind has in common. */
interface Envelope {
  readonly name: string;
  readonly namespace: string;
  readonly scopes: readonly string[];
  readonly file: string;
}

const defaultInitTimeoutMs = 5_000;

/** Reads a Component document. */
export function decodeComponent(cursor: Cursor): ComponentDocument {
  const get = fieldsOf(cursor);
  const spec = fieldsOf(get("spec"));
  return {
    kind: "Component",
    ...envelope(cursor),
    type: string(spec("type")) ?? "",
    version: string(spec("version")) ?? "",
    metadata: list(namedValue)(spec("metadata")) ?? [],
    ignoreErrors: bool(spec("ignoreErrors")) ?? false,
    initTimeoutMs: duration(spec("initTimeout")) ?? defaultInitTimeoutMs,
    secretStore: string(fieldsOf(get("auth"))("secretStore")) ?? "",
  };
}

/** Reads an HTTPEndpoint document. */
export function decodeHttpEndpoint(cursor: Cursor): HttpEndpointDocument {
  const get = fieldsOf(cursor);
  const spec = fieldsOf(get("spec"));
  return {
    kind: "HTTPEndpoint",
    ...envelope(cursor),
    baseUrl: string(spec("baseUrl")) ?? "",
    headers: list(namedValue)(spec("headers")) ?? [],
    clientTls: clientTls(spec("clientTLS")),
    secretStore: string(fieldsOf(get("auth"))("secretStore")) ?? "",
  };
}

/** Reads a Resiliency document. */
export function decodeResiliency(cursor: Cursor): ResiliencyDocument {
  const spec = fieldsOf(fieldsOf(cursor)("spec"));
  return { kind: "Resiliency", ...envelope(cursor), spec: decodePolicies(spec) };
}

/** Reads a Configuration document that lies among the resources. */
export function decodeConfigurationDocument(cursor: Cursor): ConfigurationDocument {
  const spec = anything(fieldsOf(cursor)("spec")) ?? {};
  return { kind: "Configuration", ...envelope(cursor), spec };
}

function envelope(cursor: Cursor): Envelope {
  const get = fieldsOf(cursor);
  const metadata = fieldsOf(get("metadata"));
  return {
    name: string(metadata("name")) ?? "",
    namespace: string(metadata("namespace")) ?? "",
    scopes: list(string)(get("scopes")) ?? [],
    file: cursor.tree?.file ?? "",
  };
}

const namedValue: Decode<NamedValue> = (cursor) => {
  const get = fieldsOf(cursor);
  return {
    name: string(get("name")) ?? "",
    value: looseText(get("value")),
    secretKeyRef: secretKeyRef(get("secretKeyRef")),
    envRef: string(get("envRef")),
  };
};

/** Component values may be of any type; structured ones are passed on as JSON text. */
function looseText(cursor: Cursor): string | undefined {
  if (cursor.tree?.kind === "scalar") return string(cursor);
  const value = anything(cursor);
  return value === undefined ? undefined : JSON.stringify(value);
}

const secretKeyRef: Decode<SecretKeyRef> = (cursor) => {
  if (cursor.absent) return undefined;
  const get = fieldsOf(cursor);
  const name = string(get("name")) ?? "";
  return { name, key: string(get("key")) || name };
};

const clientTls: Decode<TlsDocument> = (cursor) => {
  if (cursor.absent) return undefined;
  const get = fieldsOf(cursor);
  return {
    rootCa: tlsValue(get("rootCA")),
    certificate: tlsValue(get("certificate")),
    privateKey: tlsValue(get("privateKey")),
    renegotiation: string(get("renegotiation")) ?? "",
  };
};

const tlsValue: Decode<TlsValue> = (cursor) => {
  if (cursor.absent) return undefined;
  const get = fieldsOf(cursor);
  return { value: string(get("value")), secretKeyRef: secretKeyRef(get("secretKeyRef")) };
};

/** Unknown fields are nobody's business here, so the schema need not be listed. */
function fieldsOf(cursor: Cursor): (name: string) => Cursor {
  return cursor.fields([]) ?? ((name) => cursor.at(name, undefined));
}
