import type { ByteString } from "../call.ts";
import { OutriggerError } from "../errors.ts";
import { goQuote } from "../go-quote.ts";
import { formatRpcStatus, RpcCode } from "../rpc-status.ts";

/**
 * Normalises a method once, for the access decision and for delivery alike (Dapr
 * `pkg/messaging/method/normalize.go`): forbids `#`, `?` and control bytes, resolves `.`, `..` and
 * repeated slashes, drops a trailing slash, keeps a leading one.
 * @throws OutriggerError `OTR_METHOD_INVALID`, an RPC status INVALID_ARGUMENT.
 */
export function normalizeMethod(method: ByteString): ByteString {
  if (isPlain(method)) return method;
  rejectForbidden(method);
  let cleaned = cleanPath(method);
  while (cleaned.startsWith("../")) cleaned = cleaned.slice(3);
  return cleaned === "." || cleaned === ".." ? "" : cleaned;
}

// The common method has nothing to normalise: letters, digits, single slashes and inner dots.
const plainMethod =
  /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)(?:\/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)*$/;

function isPlain(method: ByteString): boolean {
  return plainMethod.test(method);
}

function rejectForbidden(method: ByteString): void {
  if (/[#?\0]/.test(method)) {
    throw methodError(`method contains forbidden character: ${goQuote(method)}`);
  }
  const position = method.search(/[\x01-\x1f\x7f]/);
  if (position >= 0) {
    throw methodError(
      `method contains control character at position ${position}: ${goQuote(method)}`,
    );
  }
}

function methodError(text: string): OutriggerError {
  const rpc = { code: RpcCode.INVALID_ARGUMENT, message: `invalid method: ${text}` };
  return new OutriggerError(formatRpcStatus(rpc), { code: "OTR_METHOD_INVALID", rpc });
}

/**
 * Lexical path cleaning with the results of Go's `path.Clean`, which Node's
 * `path.posix.normalize` does not give: no trailing slash, `.` for an empty path.
 */
export function cleanPath(path: string): string {
  if (path === "") return ".";
  const rooted = path.startsWith("/");
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") kept.push(segment);
    else if (kept.length > 0 && kept[kept.length - 1] !== "..") kept.pop();
    else if (!rooted) kept.push("..");
  }
  const joined = kept.join("/");
  if (rooted) return `/${joined}`;
  return joined === "" ? "." : joined;
}
