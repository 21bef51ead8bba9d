import { type ByteString, bytesToText, isBuffered } from "@outrigger/core";
import { countBody } from "./count-body.ts";
import { unescapeBytes } from "./escapes.ts";
import type { HttpMiddleware } from "./http-middleware.ts";

/**
 * Told of each request once its answer has ended; must not throw. Plain arguments, so that telling
 * costs no object.
 */
export type RequestListener = (
  method: string,
  /** Decoded, without query. */
  path: string,
  /** 0 when the handler broke off without an answer. */
  status: number,
  /** Declared length of the body; 0 when none was. */
  requestBytes: number,
  responseBytes: number,
  /** From the request's head to the end of the answer. */
  durationMs: number,
) => void;

/** Tells a listener of every request: inside tracing and outside all other stages, as in Dapr. */
export function measure(onRequest: RequestListener): HttpMiddleware {
  return (next) => async (request) => {
    const startedAt = performance.now();
    const { method, bodyLength = 0 } = request;
    const path = decodedPath(request.path);
    const finish = (status: number, responseBytes: number): void =>
      onRequest(method, path, status, bodyLength, responseBytes, performance.now() - startedAt);
    try {
      const response = await next(request);
      const { status, body } = response;
      if (!isBuffered(body)) {
        return { ...response, body: countBody(body, (bytes) => finish(status, bytes)) };
      }
      finish(status, body.length);
      return response;
    } catch (reason) {
      finish(0, 0);
      throw reason;
    }
  };
}

function decodedPath(path: ByteString): string {
  return /[%\x80-\xff]/.test(path) ? bytesToText(unescapeBytes(path)) : path;
}
