import { createHash, timingSafeEqual } from "node:crypto";
import {
  type ByteString,
  cleanPath,
  type HeaderList,
  type HttpRequest,
  type HttpResponse,
  headerValue,
  type Middleware,
  OutriggerError,
  textToBytes,
} from "@outrigger/core";

/** Header and metadata key that carries the token. */
const tokenHeader = "dapr-api-token";

/** Health routes answer without a token, to GET alone. */
const openRoutes: ReadonlySet<string> = new Set(["/v1.0/healthz", "/v1.0/healthz/outbound"]);

/** Why a gRPC call was refused, in Dapr's words. */
export type TokenRefusal =
  | "missing api token in request metadata"
  | "authentication error: api token mismatch";

/** The check of one token, for both APIs. */
export interface AccessToken {
  /** Answers 401 without the token, and takes it off every request that has it. */
  readonly httpGuard: Middleware<HttpRequest, HttpResponse>;
  /** Why the metadata of a gRPC call does not carry the token; `undefined` when it does. */
  checkMetadata(metadata: HeaderList): TokenRefusal | undefined;
}

/**
 * Requires a token on every API call (Dapr: `DAPR_API_TOKEN`). Values are compared in constant time.
 * Two values are refused, though Dapr looks at the first alone: whoever else reads them, a proxy or
 * the app, may take the other one.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` for an empty token, which would protect nothing.
 */
export function accessToken(token: string): AccessToken {
  if (token === "") {
    throw new OutriggerError("@outrigger/access-token: token: must not be empty", {
      code: "OTR_OPTIONS_INVALID",
    });
  }
  const expected = digest(textToBytes(token));
  const isRight = (values: readonly ByteString[]): boolean =>
    values.length === 1 && timingSafeEqual(digest(values[0] as ByteString), expected);
  return {
    httpGuard: (next) => (request) => {
      if (isOpen(request)) return next(withoutToken(request));
      if (!isRight(tokensOf(request.headers))) return Promise.resolve(unauthorized);
      return next(withoutToken(request));
    },
    checkMetadata: (metadata) => {
      const given = tokensOf(metadata);
      if (given.length === 0) return "missing api token in request metadata";
      return isRight(given) ? undefined : "authentication error: api token mismatch";
    },
  };
}

function tokensOf(headers: HeaderList): readonly ByteString[] {
  const values: ByteString[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as ByteString;
    if (name.length === tokenHeader.length && name.toLowerCase() === tokenHeader) {
      values.push(headers[index + 1] as ByteString);
    }
  }
  return values;
}

/** Digests have one length, so that comparing them tells nothing about the length of a token. */
function digest(value: ByteString): Buffer {
  return createHash("sha256").update(value, "latin1").digest();
}

function isOpen({ method, path }: HttpRequest): boolean {
  return method === "GET" && openRoutes.has(cleanPath(path));
}

function withoutToken(request: HttpRequest): HttpRequest {
  if (headerValue(request.headers, tokenHeader) === undefined) return request;
  const headers: ByteString[] = [];
  for (let index = 0; index < request.headers.length; index += 2) {
    const name = request.headers[index] as ByteString;
    if (name.toLowerCase() === tokenHeader) continue;
    headers.push(name, request.headers[index + 1] as ByteString);
  }
  return { ...request, headers };
}

const unauthorized: HttpResponse = {
  status: 401,
  headers: ["Content-Type", "text/plain; charset=utf-8", "X-Content-Type-Options", "nosniff"],
  body: Buffer.from("invalid api token\n"),
};
