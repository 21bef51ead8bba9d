import type { OutgoingHttpHeaders } from "node:http2";
import type { RequestHead } from "./request-head.ts";

/** Fields that HTTP/2 forbids (RFC 9113 section 8.2.2), and `host`, whose part `:authority` plays. */
const forbidden: ReadonlySet<string> = new Set([
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** The fields of a request as node:http2 takes them. */
export function http2Headers(head: RequestHead, authority: string): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {
    ":method": head.method,
    ":scheme": "http",
    ":authority": authority,
    ":path": head.path,
  };
  for (let index = 0; index < head.headers.length; index += 2) {
    const name = (head.headers[index] as string).toLowerCase();
    const value = head.headers[index + 1] as string;
    if (forbidden.has(name) || name.startsWith(":")) continue;
    const known = fields[name];
    if (known === undefined) fields[name] = value;
    else if (Array.isArray(known)) known.push(value);
    else fields[name] = [`${known}`, value];
  }
  // As for HTTP/1.1, nothing is declared where nothing is sent.
  if (head.contentLength !== undefined && head.contentLength > 0) {
    fields["content-length"] = `${head.contentLength}`;
  }
  return fields;
}

/** Repeated fields as one line each, which means the same (RFC 9110 section 5.3, RFC 9113 section 8.2.3). */
export function joinRepeated(fields: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const joined: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(fields)) {
    joined[name] = Array.isArray(value) ? value.join(name === "cookie" ? "; " : ", ") : value;
  }
  return joined;
}
