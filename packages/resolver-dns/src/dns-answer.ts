import { OutriggerError } from "@outrigger/core";

/** An address, and how long it is good for. */
export interface Address {
  readonly address: string;
  readonly ttlMs: number;
}

// What a server says about a name: it does not exist, or it has no record of that type.
const nobody: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA"]);

/** True when a server has answered, and there is nothing. */
export function isNobody(reason: unknown): boolean {
  return nobody.has(codeOf(reason));
}

/** A look-up that nobody has answered, as an error of the contract. */
export function lookupFailure(name: string, cause: unknown): OutriggerError {
  const code = codeOf(cause);
  return new OutriggerError(`DNS look-up of ${name} failed: ${explain(code)}`, {
    code: "OTR_RESOLVE_FAILED",
    cause,
    details: { name, dnsCode: code },
  });
}

function codeOf(reason: unknown): string {
  const code = (reason as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "unknown";
}

function explain(code: string): string {
  switch (code) {
    case "ETIMEOUT":
      return "no server answered in time";
    case "ECONNREFUSED":
      return "no server listens at the address";
    case "ESERVFAIL":
      return "the server failed (SERVFAIL)";
    case "EREFUSED":
      return "the server refused (REFUSED)";
    case "EBADRESP":
      return "the answer is malformed";
    case "EAI_AGAIN":
      return "the operating system could not ask (EAI_AGAIN)";
    default:
      return code;
  }
}
