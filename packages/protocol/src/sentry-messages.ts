import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** Path of the one method of Dapr's certificate authority (`dapr/proto/sentry/v1/sentry.proto`). */
export const signCertificatePath = "/dapr.proto.sentry.v1.CA/SignCertificate";

/** Numbers of `SignCertificateRequest.TokenValidator`. */
export const tokenValidator = { unknown: 0, insecure: 1, kubernetes: 2, jwks: 3 } as const;

/** `SignCertificateRequest`. */
export interface SignCertificateRequest {
  /** App id, or `dapr-<service>` for the control plane. */
  readonly id: string;
  /** Credential for the validator. Never logged. */
  readonly token: string;
  /** Empty for workloads. */
  readonly trustDomain: string;
  readonly namespace: string;
  /** PKCS#10 request in PEM. */
  readonly csr: Uint8Array;
  /** One of {@link tokenValidator}, or a number that this version does not know. */
  readonly validator: number;
  readonly jwtAudiences: readonly string[];
}

/** `SignCertificateResponse`. */
export interface SignCertificateResponse {
  /** PEM: the leaf, then the issuer's chain without the root. */
  readonly workloadCertificate: Uint8Array;
  /** PEM bundles of trust anchors; Dapr sends one with all roots. */
  readonly trustChainCertificates: readonly Uint8Array[];
  /** End of the leaf's validity in milliseconds since the epoch; `undefined` when absent. */
  readonly validUntilMs: number | undefined;
  readonly jwt: string | undefined;
  readonly perAudienceJwts: ReadonlyMap<string, string>;
}

export function encodeSignCertificateRequest(request: SignCertificateRequest): Uint8Array {
  const writer = new ProtoWriter({ sizeHintBytes: 512 + request.token.length });
  writer.text(1, request.id);
  writer.text(2, request.token);
  writer.text(3, request.trustDomain);
  writer.text(4, request.namespace);
  writer.bytes(5, request.csr);
  writer.int32(6, request.validator);
  for (const audience of request.jwtAudiences) writer.textElement(7, audience);
  return writer.finish();
}

/** @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeSignCertificateRequest(bytes: Uint8Array): SignCertificateRequest {
  const reader = new ProtoReader(bytes);
  let id = "";
  let token = "";
  let trustDomain = "";
  let namespace = "";
  let csr: Uint8Array = new Uint8Array(0);
  let validator: number = tokenValidator.unknown;
  const jwtAudiences: string[] = [];
  while (reader.next()) {
    if (reader.tag === 10) id = reader.text();
    else if (reader.tag === 18) token = reader.text();
    else if (reader.tag === 26) trustDomain = reader.text();
    else if (reader.tag === 34) namespace = reader.text();
    else if (reader.tag === 42) csr = reader.bytes();
    else if (reader.tag === 48) validator = reader.int32();
    else if (reader.tag === 58) jwtAudiences.push(reader.text());
    else reader.skip();
  }
  return { id, token, trustDomain, namespace, csr, validator, jwtAudiences };
}

export function encodeSignCertificateResponse(response: SignCertificateResponse): Uint8Array {
  const writer = new ProtoWriter({ sizeHintBytes: 4_096 });
  writer.bytes(1, response.workloadCertificate);
  for (const bundle of response.trustChainCertificates) writer.bytes(2, bundle);
  if (response.validUntilMs !== undefined) writeTimestamp(writer, 3, response.validUntilMs);
  if (response.jwt !== undefined) writeStringValue(writer, 4, response.jwt);
  for (const [audience, jwt] of response.perAudienceJwts) {
    const entry = writer.begin(5, 200);
    writer.text(1, audience);
    writeStringValue(writer, 2, jwt);
    writer.end(entry);
  }
  return writer.finish();
}

/** @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeSignCertificateResponse(bytes: Uint8Array): SignCertificateResponse {
  const reader = new ProtoReader(bytes);
  let workloadCertificate: Uint8Array = new Uint8Array(0);
  const trustChainCertificates: Uint8Array[] = [];
  let validUntilMs: number | undefined;
  let jwt: string | undefined;
  const perAudienceJwts = new Map<string, string>();
  while (reader.next()) {
    if (reader.tag === 10) workloadCertificate = reader.bytes();
    else if (reader.tag === 18) trustChainCertificates.push(reader.bytes());
    else if (reader.tag === 26) validUntilMs = reader.message(readTimestamp, validUntilMs);
    else if (reader.tag === 34) jwt = reader.message(readStringValue, jwt);
    else if (reader.tag === 42) {
      const { audience, jwt: token } = reader.message(readEntry);
      perAudienceJwts.set(audience, token);
    } else reader.skip();
  }
  return { workloadCertificate, trustChainCertificates, validUntilMs, jwt, perAudienceJwts };
}

/** `google.protobuf.Timestamp`. */
function writeTimestamp(writer: ProtoWriter, field: number, epochMs: number): void {
  const mark = writer.begin(field, 12);
  const seconds = Math.max(0, Math.floor(epochMs / 1_000));
  writer.uint(1, seconds);
  writer.uint(2, Math.round(epochMs - seconds * 1_000) * 1_000_000);
  writer.end(mark);
}

function readTimestamp(reader: ProtoReader): number {
  let epochMs = 0;
  while (reader.next()) {
    if (reader.tag === 8) epochMs += Number(reader.int64()) * 1_000;
    else if (reader.tag === 16) epochMs += Math.floor(reader.int32() / 1_000_000);
    else reader.skip();
  }
  return epochMs;
}

/** `google.protobuf.StringValue`: its presence means something, even when empty. */
function writeStringValue(writer: ProtoWriter, field: number, value: string): void {
  const mark = writer.begin(field, value.length + 4);
  writer.text(1, value);
  writer.end(mark);
}

function readStringValue(reader: ProtoReader): string {
  let value = "";
  while (reader.next()) {
    if (reader.tag === 10) value = reader.text();
    else reader.skip();
  }
  return value;
}

function readEntry(reader: ProtoReader): { audience: string; jwt: string } {
  let audience = "";
  let jwt = "";
  while (reader.next()) {
    if (reader.tag === 10) audience = reader.text();
    else if (reader.tag === 18) jwt = reader.message(readStringValue, jwt);
    else reader.skip();
  }
  return { audience, jwt };
}
