import {
  bytesToText,
  cleanPath,
  type HttpRequest,
  type HttpResponse,
  headerValue,
} from "@outrigger/core";
import { findCallTarget } from "./call-target.ts";
import { countBody } from "./count-body.ts";
import { unescapeBytes } from "./escapes.ts";
import type { HttpMiddleware } from "./http-middleware.ts";

/** One request of the API, as Dapr logs it. */
export interface ApiCall {
  readonly method: string;
  /** Decoded path without query. */
  readonly path: string;
  /** `GetMetadata`, `InvokeService/<target>`, ...: for logs that shall not show paths. */
  readonly routeName: string;
  /** Empty when the client sent none. */
  readonly userAgent: string;
  readonly code: number;
  /** Bytes of the answer's body. */
  readonly sizeBytes: number;
  /** From the request's head to the end of the answer, in milliseconds. */
  readonly durationMs: number;
  readonly isHealth: boolean;
}

/** Tells each request once its answer has ended, streams included. */
export function apiLog(onApiCall: (call: ApiCall) => void): HttpMiddleware {
  return (next) => async (request) => {
    const startedAt = performance.now();
    const response = await next(request);
    const finish = (sizeBytes: number): void => {
      onApiCall(describe(request, response, sizeBytes, performance.now() - startedAt));
    };
    return { ...response, body: countBody(response.body, finish) };
  };
}

function describe(
  request: HttpRequest,
  response: HttpResponse,
  sizeBytes: number,
  durationMs: number,
): ApiCall {
  const path = cleanPath(request.path);
  return {
    method: request.method,
    path: bytesToText(unescapeBytes(request.path)),
    routeName: routeName(request, path),
    userAgent: headerValue(request.headers, "user-agent") ?? "",
    code: response.status,
    sizeBytes,
    durationMs,
    isHealth: path === "/v1.0/healthz" || path === "/v1.0/healthz/outbound",
  };
}

const fixedNames: Readonly<Record<string, string>> = {
  "GET /v1.0/healthz": "Healthz",
  "GET /v1.0/healthz/outbound": "HealthzOutbound",
  "GET /v1.0/metadata": "GetMetadata",
  "POST /v1.0/shutdown": "Shutdown",
};

function routeName(request: HttpRequest, path: string): string {
  const fixed = fixedNames[`${request.method} ${path}`];
  if (fixed !== undefined) return fixed;
  if (request.method === "PUT" && path.startsWith("/v1.0/metadata/")) return "PutMetadata";
  const target = findCallTarget(unescapeBytes(request.path), request.headers);
  return target === undefined ? "InvokeService" : `InvokeService/${target.id}`;
}
