import {
  type ByteString,
  bytesToText,
  cleanPath,
  type HeaderList,
  headerValue,
} from "@outrigger/core";
import { unescapeQuery } from "./escapes.ts";

/** Whom a request calls, and which method. */
export interface CallTarget {
  /** App id, `id.namespace` or URL. */
  readonly id: string;
  /** Decoded and cleaned path. */
  readonly method: ByteString;
  /** True when the header named the target, which is consumed then. */
  readonly byHeader: boolean;
}

const appIdHeader = "dapr-app-id";
const invokePath = /^\/+v1\.0\/+invoke\/+/;
const methodSeparator = "/method/";

/**
 * Finds target and method, first match wins (Dapr `pkg/api/http/directmessaging.go`): header
 * `dapr-app-id`, basic credentials `dapr-app-id:<id>`, path `/v1.0/invoke/<id>/method/<method>`.
 * @param path decoded once.
 */
export function findCallTarget(path: ByteString, headers: HeaderList): CallTarget | undefined {
  const named = headerValue(headers, appIdHeader);
  if (named) return { id: bytesToText(named), method: wholePath(path), byHeader: true };
  const authorization = headerValue(headers, "authorization");
  const credential = authorization === undefined ? undefined : basicAppId(authorization);
  if (credential) return { id: credential, method: wholePath(path), byHeader: false };
  return fromInvokePath(path);
}

/** The headers without those that named the target. */
export function withoutAppId(headers: HeaderList): HeaderList {
  const kept: ByteString[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as ByteString;
    if (name.toLowerCase() !== appIdHeader) kept.push(name, headers[index + 1] as ByteString);
  }
  return kept;
}

function wholePath(path: ByteString): ByteString {
  const cleaned = cleanPath(path);
  return cleaned.startsWith("/") ? cleaned.slice(1) : cleaned;
}

function basicAppId(authorization: ByteString): string | undefined {
  if (!authorization.startsWith("Basic ")) return undefined;
  const encoded = authorization.slice(6);
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) {
    return undefined;
  }
  const parts = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return parts.length === 2 && parts[0]?.toLowerCase() === appIdHeader ? parts[1] : undefined;
}

function fromInvokePath(path: ByteString): CallTarget | undefined {
  const prefix = invokePath.exec(path);
  if (prefix === null) return undefined;
  const rest = path.slice(prefix[0].length);
  const separator = rest.indexOf(methodSeparator);
  if (separator <= 0) return undefined;
  const id = bytesToText(unescapeQuery(rest.slice(0, separator)));
  const method = cleanPath(rest.slice(separator + methodSeparator.length));
  return { id, method: method === "." ? "" : method, byHeader: false };
}
