import { emptyBody, type HeaderList, type HttpResponse, headerValue } from "@outrigger/core";
import { canonicalHeaderName } from "@outrigger/protocol";
import type { HttpMiddleware } from "./http-middleware.ts";

const allowedMethods = new Set(["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Cross-origin rules as Dapr's (go-chi/cors): preflights are answered here, without a token. */
export function cors(allowedOrigins: readonly string[]): HttpMiddleware {
  const rules = allowedOrigins.map((origin) => origin.toLowerCase());
  return (next) => async (request) => {
    const { headers } = request;
    const origin = headerValue(headers, "origin") ?? "";
    const asked = headerValue(headers, "access-control-request-method");
    if (request.method === "OPTIONS" && asked) return preflight(rules, origin, asked, headers);
    const added = ["Vary", "Origin"];
    const allowed = allowOrigin(rules, origin);
    if (allowed !== undefined && allowedMethods.has(request.method.toUpperCase())) {
      added.push("Access-Control-Allow-Origin", allowed);
    }
    const response = await next(request);
    return { ...response, headers: [...added, ...response.headers] };
  };
}

function preflight(
  rules: readonly string[],
  origin: string,
  asked: string,
  headers: HeaderList,
): HttpResponse {
  const answer = ["Vary", "Origin", "Vary", "Access-Control-Request-Method"];
  answer.push("Vary", "Access-Control-Request-Headers");
  const allowed = allowOrigin(rules, origin);
  const method = asked.toUpperCase();
  if (allowed !== undefined && allowedMethods.has(method)) {
    answer.push("Access-Control-Allow-Origin", allowed, "Access-Control-Allow-Methods", method);
    const names = headerValue(headers, "access-control-request-headers");
    if (names) answer.push("Access-Control-Allow-Headers", canonicalNames(names));
  }
  return { status: 200, headers: answer, body: emptyBody };
}

function canonicalNames(list: string): string {
  return list
    .split(",")
    .map((name) => canonicalHeaderName(name.trim()))
    .filter((name) => name !== "")
    .join(", ");
}

/** The value of `Access-Control-Allow-Origin`, or undefined for an origin that is not allowed. */
function allowOrigin(rules: readonly string[], origin: string): string | undefined {
  if (origin === "") return undefined;
  if (rules.includes("*")) return "*";
  const lower = origin.toLowerCase();
  return rules.some((rule) => matches(rule, lower)) ? origin : undefined;
}

function matches(rule: string, origin: string): boolean {
  const star = rule.indexOf("*");
  if (star < 0) return rule === origin;
  const prefix = rule.slice(0, star);
  const suffix = rule.slice(star + 1);
  return (
    origin.length >= prefix.length + suffix.length &&
    origin.startsWith(prefix) &&
    origin.endsWith(suffix)
  );
}
