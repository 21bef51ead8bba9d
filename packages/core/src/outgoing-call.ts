import { type Body, emptyBody, type HeaderList, type InvokeRequest, isBuffered } from "./call.ts";
import { OutriggerError } from "./errors.ts";
import { textToBytes } from "./go-quote.ts";

/** A call as a program that embeds the runtime writes it. */
export interface CallOptions {
  /** App id, `id.namespace`, or a URL. */
  readonly target: string;
  /** Path at the app, for example `orders/42`. */
  readonly method: string;
  /** Default `POST` with a body, `GET` without. */
  readonly verb?: string;
  /** Raw query without `?`. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Text is sent as UTF-8. */
  readonly body?: string | Body;
  /** Default: none. */
  readonly contentType?: string;
  /** Milliseconds until the call is given up. Default: no limit. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** @throws OutriggerError `OTR_OPTIONS_INVALID` for a timeout that is not a positive number. */
export function toInvokeRequest(call: CallOptions): InvokeRequest {
  const body = typeof call.body === "string" ? Buffer.from(call.body) : (call.body ?? emptyBody);
  const contentType = textToBytes(call.contentType ?? "");
  const bodyLength = isBuffered(body) ? body.length : undefined;
  const verb = (call.verb ?? (bodyLength === 0 ? "GET" : "POST")).toUpperCase();
  return {
    target: call.target,
    method: textToBytes(call.method),
    http: { verb, query: textToBytes(call.query ?? "") },
    origin: "http",
    metadata: toMetadata(call, contentType, bodyLength),
    contentType,
    typeUrl: "",
    body,
    bodyLength,
    ...timing(call),
  };
}

function timing(call: CallOptions): { signal: AbortSignal; deadlineMs?: number } {
  const { timeoutMs } = call;
  const signal = call.signal ?? new AbortController().signal;
  if (timeoutMs === undefined) return { signal };
  if (!(timeoutMs > 0)) {
    throw new OutriggerError(
      `core: timeoutMs: must be a positive number of milliseconds (got ${timeoutMs})`,
      { code: "OTR_OPTIONS_INVALID" },
    );
  }
  return { signal, deadlineMs: Date.now() + timeoutMs };
}

function toMetadata(
  call: CallOptions,
  contentType: string,
  bodyLength: number | undefined,
): HeaderList {
  const metadata: string[] = [];
  for (const [name, values] of Object.entries(call.headers ?? {})) {
    const key = canonical(name);
    for (const value of typeof values === "string" ? [values] : values) {
      metadata.push(key, textToBytes(value));
    }
  }
  if (contentType !== "") metadata.push("Content-Type", contentType);
  if (bodyLength !== undefined && bodyLength > 0) metadata.push("Content-Length", `${bodyLength}`);
  return metadata;
}

/** Peers tell HTTP metadata by its canonical spelling. */
function canonical(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (match) => match.toUpperCase());
}
