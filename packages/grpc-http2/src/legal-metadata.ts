import { goQuote, type HeaderList, OutriggerError, RpcCode } from "@outrigger/core";

const illegalKey = /[^0-9a-z\-_.]/;
const illegalValue = /[^\x20-\x7e]/;

/**
 * Refuses metadata that Go's gRPC library would not send, in its words.
 * @param list metadata with lower-case names, without pseudo headers.
 * @throws OutriggerError `OTR_PROTOCOL_VIOLATION`, status INTERNAL.
 */
export function assertLegalMetadata(list: HeaderList): void {
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] as string;
    if (illegalKey.test(name)) {
      throw illegal(name, "contains illegal characters not in [0-9a-z-_.]");
    }
    if (!name.endsWith("-bin") && illegalValue.test(list[index + 1] as string)) {
      throw illegal(name, "contains value with non-printable ASCII characters");
    }
  }
}

function illegal(name: string, what: string): OutriggerError {
  const message = `header key ${goQuote(name)} ${what}`;
  return new OutriggerError(message, {
    code: "OTR_PROTOCOL_VIOLATION",
    rpc: { code: RpcCode.INTERNAL, message },
  });
}
