import type { IncomingMessage } from "node:http";

/**
 * The status that a request's framing earns, if it cannot be served. Node's parser refuses most of
 * what two servers could read differently; the rest is here.
 */
export function framingRefusal(incoming: IncomingMessage): 400 | 501 | undefined {
  const headers = incoming.rawHeaders;
  let hosts = 0;
  let encodings = 0;
  let encoding = "";
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
    if (name.length !== 17 || name.toLowerCase() !== "transfer-encoding") continue;
    encodings += 1;
    encoding = headers[index + 1] as string;
  }
  // RFC 9112 section 3.2: exactly one in HTTP/1.1, before which it was optional.
  if (hosts > 1 || (hosts === 0 && incoming.httpVersion === "1.1")) return 400;
  if (encodings === 0) return undefined;
  if (encodings > 1 || incoming.httpVersion !== "1.1") return 400;
  // What lies below the chunks would reach the app undecoded, with nothing that says so.
  return encoding.toLowerCase() === "chunked" ? undefined : 501;
}
