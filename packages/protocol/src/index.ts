export { type AnyMessage, decodeAny } from "./any-message.ts";
export { HttpVerb, httpVerbName, httpVerbNumber } from "./http-verb.ts";
export {
  type DecodedInternalInvokeRequest,
  decodeInternalInvokeRequest,
  encodeInternalInvokeRequest,
  type InternalInvokeRequest,
  internalApiVersion,
} from "./internal-request.ts";
export {
  type DecodedInternalInvokeResponse,
  decodeInternalInvokeResponse,
  encodeInternalInvokeResponse,
  type InternalInvokeResponse,
} from "./internal-response.ts";
export {
  type DecodedInternalInvokeRequestStream,
  type DecodedInternalInvokeResponseStream,
  decodeInternalInvokeRequestStream,
  decodeInternalInvokeResponseStream,
  encodeInternalInvokeRequestStream,
  encodeInternalInvokeResponseStream,
  type InternalInvokeRequestStream,
  type InternalInvokeResponseStream,
} from "./internal-stream.ts";
export {
  decodeInvokeRequest,
  decodeInvokeResponse,
  encodeInvokeRequest,
  encodeInvokeResponse,
  type HttpExtensionMessage,
  type InvokeRequestMessage,
  type InvokeResponseMessage,
} from "./invoke-messages.ts";
export { ProtoReader } from "./proto-reader.ts";
export { ProtoWriter, type ProtoWriterOptions } from "./proto-writer.ts";
export { decodeStatus, encodeStatus, type StatusMessage } from "./status-message.ts";
export {
  decodeStreamPayload,
  encodePayloadHead,
  encodeStreamPayload,
  type StreamPayload,
} from "./stream-payload.ts";
