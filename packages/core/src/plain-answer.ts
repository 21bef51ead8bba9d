import type { HttpResponse } from "./http-exchange.ts";

/** The answer of a middleware in its own words, as Dapr's middleware writes it. */
export function plainAnswer(status: number, text: string): HttpResponse {
  return {
    status,
    headers: ["Content-Type", "text/plain; charset=utf-8"],
    body: new TextEncoder().encode(text),
  };
}
