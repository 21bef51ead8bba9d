import { emptyBody, type HttpResponse } from "@outrigger/core";
import { errorBody } from "@outrigger/protocol";

/** An answer that is an error of the sidecar itself. */
export interface ErrorResponse extends HttpResponse {
  readonly errorCode: string;
}

/** An error of the sidecar itself, in Dapr's JSON form. */
export function jsonError(status: number, errorCode: string, message: string): ErrorResponse {
  return {
    errorCode,
    status,
    headers: ["Content-Type", "application/json"],
    body: errorBody(errorCode, message),
  };
}

/** A plain text answer as Go's `http.Error` writes it. */
export function plainText(status: number, text: string): HttpResponse {
  return {
    status,
    headers: ["Content-Type", "text/plain; charset=utf-8", "X-Content-Type-Options", "nosniff"],
    body: Buffer.from(`${text}\n`),
  };
}

/** The answer to what succeeded and has nothing to say. */
export const noContent: HttpResponse = { status: 204, headers: [], body: emptyBody };

/** The answer where no route is left. */
export const notFound: HttpResponse = plainText(404, "404 page not found");
