import { type ByteString, OutriggerError, textToBytes } from "@outrigger/core";
import { httpTarget } from "@outrigger/protocol";

/** A URL that methods are appended to. */
export interface BaseUrl {
  /** Scheme, host and port in normal form: what one connection serves. */
  readonly origin: string;
  /** As written, without user and password. */
  readonly scheme: "http" | "https";
  readonly authority: string;
  /** Host and port to dial, for error texts. */
  readonly host: string;
  readonly port: number;
  /** Everything behind the authority, as written. */
  readonly rest: ByteString;
  /** Value of `Authorization` for the user and password in the URL. */
  readonly authorization: string | undefined;
}

const shape = /^(https?):\/\/(?:([^/?#]*)@)?([^/?#@]+)([^#]*)/;

/** @throws OutriggerError `OTR_TARGET_INVALID`. */
export function parseBaseUrl(url: string): BaseUrl {
  const match = shape.exec(url);
  const scheme = match?.[1] === "https" ? "https" : "http";
  const authority = match?.[3] ?? "";
  const parsed = tryUrl(`${scheme}://${authority}`);
  if (match === null || parsed === null || parsed.pathname !== "/") {
    throw new OutriggerError(`${JSON.stringify(withoutUser(url))} is no http or https URL`, {
      code: "OTR_TARGET_INVALID",
    });
  }
  const user = match[2];
  return {
    origin: parsed.origin,
    scheme,
    authority,
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(parsed.port) || (scheme === "https" ? 443 : 80),
    rest: textToBytes(match[4] ?? ""),
    authorization: user === undefined ? undefined : basicAuthorization(user),
  };
}

function tryUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** Passwords do not belong in error texts. */
function withoutUser(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, "//");
}

function basicAuthorization(user: string): string {
  const [name = "", ...password] = user.split(":");
  const credentials = `${unescapeText(name)}:${unescapeText(password.join(":"))}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

function unescapeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The URL of a method: the base URL as it is, a slash, the method; the base URL alone when the
 * method is empty (Dapr `pkg/channel/http/http_channel.go`).
 */
export function methodUrl(
  base: BaseUrl,
  method: ByteString,
  query: ByteString,
): {
  readonly target: ByteString;
  readonly url: string;
} {
  const slash = method === "" || method.startsWith("/") ? "" : "/";
  const question = query === "" ? "" : `?${query}`;
  const whole = `${base.rest}${slash}${method}${question}`;
  const cut = whole.indexOf("?");
  const path = cut < 0 ? whole : whole.slice(0, cut);
  const search = cut < 0 ? "" : whole.slice(cut + 1);
  const server = `${base.scheme}://${base.authority}`;
  return { target: httpTarget(server, path, search), url: `${server}${whole}` };
}
