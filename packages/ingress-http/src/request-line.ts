import type { Socket } from "node:net";
import type { ByteString } from "@outrigger/core";

/** Method and target of a request, as the client wrote them. */
export interface RequestLine {
  readonly method: string;
  readonly target: ByteString;
}

/** Verbs that Node's parser and Dapr understand alike. */
const verbs = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"],
]);

/** Longer lines break the limit on heads anyway. */
const maxLineBytes = 16_384;

const linePattern = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([^ \r\n]+) HTTP\/1\.[01]\r?\n/;

const replacedLines = new WeakMap<Socket, RequestLine>();

/**
 * Node's parser refuses verbs that it does not know and raw bytes above 0x7F in a target; Dapr takes
 * both. The first request line of a connection is brought into a form that passes the parser, and
 * kept: `takeReplacedLine` gives it back.
 * @returns the bytes to parse.
 */
export function replaceRequestLine(socket: Socket, first: Buffer): Buffer {
  const match = linePattern.exec(first.toString("latin1", 0, maxLineBytes));
  if (match === null) return first;
  const [, method = "", target = ""] = match;
  const plainTarget = /^[\x00-\x7f]*$/.test(target);
  if (verbs.has(method) && plainTarget) return first;
  replacedLines.set(socket, { method, target });
  const upper = method.toUpperCase();
  const verb = verbs.has(upper) ? upper : "POST";
  const parsable = plainTarget ? target : target.replace(/[\x80-\xff]/g, "x");
  const rest = first.subarray(method.length + 1 + target.length);
  return Buffer.concat([Buffer.from(`${verb} ${parsable}`, "latin1"), rest]);
}

/** The line that was replaced for the first request of this connection, once. */
export function takeReplacedLine(socket: Socket): RequestLine | undefined {
  const line = replacedLines.get(socket);
  if (line !== undefined) replacedLines.delete(socket);
  return line;
}

/** Absolute-form targets (RFC 9112 section 3.2.2) lose scheme and authority. */
export function originForm(target: ByteString): ByteString {
  if (target.startsWith("/")) return target;
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*(.*)$/.exec(target);
  const rest = absolute?.[1] ?? target;
  return rest.startsWith("/") || rest === "*" ? rest : `/${rest}`;
}
