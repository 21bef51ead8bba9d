import { joinHostPort, OutriggerError } from "@outrigger/core";
import type { ChannelSettings } from "./options.ts";
import type { RequestHead } from "./request-head.ts";

/** Node's error for a request to the app, in the words of Go's HTTP client, which tools match on. */
export function appFailure(
  reason: unknown,
  head: RequestHead,
  settings: ChannelSettings,
): OutriggerError {
  const { code, message } = reason as { code?: string; message?: string };
  const address = joinHostPort(settings.host, settings.port);
  const dialText = dialTexts[code ?? ""];
  if (dialText !== undefined) {
    return failure("OTR_APP_UNREACHABLE", head, `dial tcp ${address}: ${dialText}`, reason);
  }
  if (code === "EPROTO") {
    // OpenSSL's word for bytes that are no TLS.
    const text = "tls: first record does not look like a TLS handshake";
    return failure("OTR_APP_UNREACHABLE", head, text, reason);
  }
  if (code === "ECONNRESET" || code === "EPIPE") {
    return failure("OTR_APP_FAILED", head, resetText(message ?? "", address), reason);
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    const limit = settings.maxResponseHeaderBytes;
    const text = `net/http: server response headers exceeded ${limit} bytes; aborted`;
    return failure("OTR_APP_FAILED", head, text, reason);
  }
  if (code?.startsWith("HPE_")) {
    const text = `net/http: HTTP/1.x transport connection broken: malformed HTTP response (${message})`;
    return failure("OTR_APP_FAILED", head, text, reason);
  }
  return failure("OTR_APP_FAILED", head, message ?? String(reason), reason);
}

const dialTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ETIMEDOUT: "i/o timeout",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ENOTFOUND: "lookup: no such host",
};

function resetText(message: string, address: string): string {
  // Node says "socket hang up" when the app closed in good order before it answered.
  return message.includes("hang up")
    ? "EOF"
    : `read tcp ${address}: read: connection reset by peer`;
}

function failure(
  code: "OTR_APP_UNREACHABLE" | "OTR_APP_FAILED",
  head: RequestHead,
  text: string,
  cause: unknown,
): OutriggerError {
  const verb = head.method.charAt(0) + head.method.slice(1).toLowerCase();
  return new OutriggerError(`${verb} "${head.url}": ${text}`, { code, cause });
}
