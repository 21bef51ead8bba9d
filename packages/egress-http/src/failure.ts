import { joinHostPort, OutriggerError } from "@outrigger/core";
import type { BaseUrl } from "./base-url.ts";
import { brokenOffCode } from "./engine-answer.ts";

/** What the engines' errors have in common. */
interface EngineError {
  readonly code?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;
  readonly errors?: readonly EngineError[];
}

/** The request as error texts name it. */
export interface FailedRequest {
  /** Of the first request, where redirects followed. */
  readonly method: string;
  readonly url: string;
}

/** An engine's error in the words of Go's HTTP client, which tools match on. */
export function externalFailure(
  reason: unknown,
  head: FailedRequest,
  base: BaseUrl,
): OutriggerError {
  const engine = firstOf(reason as EngineError);
  const code = engine.code ?? "";
  const address = joinHostPort(engine.address ?? base.host, engine.port ?? base.port);
  const dial = engine.syscall === "read" ? undefined : dialTexts[code];
  if (dial !== undefined) return unreachable(head, `dial tcp ${address}: ${dial}`, reason);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return unreachable(head, `dial tcp: lookup ${base.host}: no such host`, reason);
  }
  const certificate = certificateText(code, engine);
  if (certificate !== undefined) {
    return unreachable(head, `tls: failed to verify certificate: x509: ${certificate}`, reason);
  }
  const alert = alertText(code);
  if (alert !== undefined) return failed(head, `remote error: tls: ${alert}`, reason);
  if (code === "HPE_HEADER_OVERFLOW") {
    return failed(head, "net/http: server response headers exceeded the limit; aborted", reason);
  }
  if (code.startsWith("HPE_")) {
    const text = `net/http: HTTP/1.x transport connection broken: malformed HTTP response (${engine.message})`;
    return failed(head, text, reason);
  }
  if (code === brokenOffCode || isHangUp(engine)) return failed(head, "EOF", reason);
  if (code === "ECONNRESET" || code === "EPIPE") {
    return failed(head, `read tcp ${address}: read: connection reset by peer`, reason);
  }
  return failed(head, engine.message ?? String(reason), reason);
}

/** Node gives a connection that was ended the code of one that was reset, but no system call. */
function isHangUp({ code, syscall }: EngineError): boolean {
  return code === "ECONNRESET" && syscall === undefined;
}

/** A name with several addresses gives one error for each; the first is what Go tells too. */
function firstOf(reason: EngineError): EngineError {
  return reason.errors?.[0] ?? reason;
}

const dialTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ETIMEDOUT: "i/o timeout",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
};

/** Verification results of OpenSSL as Node names them, without those about revocation lists. */
const certificateTexts: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "certificate has expired or is not yet valid",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate signed by unknown authority",
  CERT_SIGNATURE_FAILURE: "certificate signed by unknown authority",
  CERT_UNTRUSTED: "certificate signed by unknown authority",
  CERT_REJECTED: "certificate signed by unknown authority",
  CERT_CHAIN_TOO_LONG: "too many intermediates for path length constraint",
  PATH_LENGTH_EXCEEDED: "too many intermediates for path length constraint",
  INVALID_CA: "invalid certificate authority",
  INVALID_PURPOSE: "certificate specifies an incompatible key usage",
  CERT_REVOKED: "certificate was revoked",
};

function certificateText(code: string, { reason }: EngineError): string | undefined {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return reason ?? "certificate is for another name";
  return certificateTexts[code];
}

/** `ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED` is "certificate required" in Go. */
function alertText(code: string): string | undefined {
  const match = /^ERR_SSL_(?:[A-Z0-9]+_)??(?:ALERT_)([A-Z_]+)$/.exec(code);
  return match?.[1]?.toLowerCase().replaceAll("_", " ");
}

function unreachable(head: FailedRequest, text: string, cause: unknown): OutriggerError {
  return failure("OTR_EXTERNAL_UNREACHABLE", head, text, cause);
}

/** What is wrong with an answer, in the words of Go's HTTP client. */
export function failed(head: FailedRequest, text: string, cause?: unknown): OutriggerError {
  return failure("OTR_EXTERNAL_FAILED", head, text, cause);
}

function failure(
  code: "OTR_EXTERNAL_UNREACHABLE" | "OTR_EXTERNAL_FAILED",
  head: FailedRequest,
  text: string,
  cause: unknown,
): OutriggerError {
  const verb = head.method.charAt(0) + head.method.slice(1).toLowerCase();
  return new OutriggerError(`${verb} "${head.url}": ${text}`, { code, cause });
}
