import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { readStringMapEntry, writeStringMap } from "./string-map.ts";

/** Type URL of {@link ErrorInfo} in the details of a status. */
export const errorInfoTypeUrl = "type.googleapis.com/google.rpc.ErrorInfo";

/** `google.rpc.ErrorInfo`. */
export interface ErrorInfo {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Encodes `google.rpc.ErrorInfo`. */
export function encodeErrorInfo(info: ErrorInfo): Uint8Array {
  const writer = new ProtoWriter();
  writer.text(1, info.reason);
  writer.text(2, info.domain);
  writeStringMap(writer, 3, info.metadata);
  return writer.finish();
}

/** Decodes `google.rpc.ErrorInfo`. @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeErrorInfo(bytes: Uint8Array): ErrorInfo {
  const reader = new ProtoReader(bytes);
  let reason = "";
  let domain = "";
  const metadata: Record<string, string> = {};
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        reason = reader.text();
        break;
      case 18:
        domain = reader.text();
        break;
      case 26:
        readStringMapEntry(reader, metadata);
        break;
      default:
        reader.skip();
    }
  }
  return { reason, domain, metadata };
}
