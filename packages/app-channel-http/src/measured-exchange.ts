import { type Body, type ByteString, headerValue, isBuffered } from "@outrigger/core";
import type { EngineResponse } from "./engine.ts";

/** Told of each request to the app; must not throw. Plain arguments, so that telling costs no object. */
export type RequestListener = (
  method: string,
  /** The invoked method as a path, without query. */
  path: string,
  /** 500 when there was no answer, as in Dapr. */
  status: number,
  /** 0 for a body that is streamed. */
  sentBytes: number,
  /** As the app declared it; 0 when it did not. */
  receivedBytes: number,
  /** To the head of the answer. */
  durationMs: number,
) => void;

/** What is told of a request before its answer. */
export interface MeasuredRequest {
  readonly method: string;
  readonly path: ByteString;
  readonly body: Body;
}

/** Makes an exchange and tells of it. */
export async function measuredExchange(
  onRequest: RequestListener,
  { method, path, body }: MeasuredRequest,
  exchange: () => Promise<EngineResponse>,
): Promise<EngineResponse> {
  const startedAt = performance.now();
  const sentBytes = isBuffered(body) ? body.length : 0;
  try {
    const response = await exchange();
    const receivedBytes = declaredBytes(response);
    onRequest(
      method,
      path,
      response.status,
      sentBytes,
      receivedBytes,
      performance.now() - startedAt,
    );
    return response;
  } catch (reason) {
    onRequest(method, path, 500, sentBytes, 0, performance.now() - startedAt);
    throw reason;
  }
}

function declaredBytes({ headers, body }: EngineResponse): number {
  const declared = Number(headerValue(headers, "content-length"));
  if (Number.isFinite(declared) && declared >= 0) return declared;
  return isBuffered(body) ? body.length : 0;
}
