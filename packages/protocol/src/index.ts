export { type AnyMessage, decodeAny } from "./any-message.ts";
export { isValidBaggage, normalizeBaggage } from "./baggage.ts";
export { errorBody } from "./error-body.ts";
export {
  decodeErrorInfo,
  type ErrorInfo,
  encodeErrorInfo,
  errorInfoTypeUrl,
} from "./error-info.ts";
export { decodeGrpcMessage, encodeGrpcMessage } from "./grpc-message.ts";
export {
  type GrpcHeadersResult,
  grpcMetadataToInternal,
  metadataToGrpc,
} from "./grpc-metadata.ts";
export { formatGrpcTimeout, parseGrpcTimeout } from "./grpc-timeout.ts";
export { canonicalHeaderName } from "./header-name.ts";
export { appResponseHeaders, toHttpMetadata } from "./http-metadata.ts";
export {
  httpContentLength,
  httpRequestHeaders,
  httpVerbOf,
  withoutHeader,
} from "./http-request.ts";
export { httpTarget, httpUrl } from "./http-target.ts";
export { HttpVerb, httpVerbName, httpVerbNumber } from "./http-verb.ts";
export { grpcTrace, httpTrace } from "./incoming-trace.ts";
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
export {
  type ActiveActorsCount,
  type ActorRuntime,
  ActorRuntimeStatus,
  type AppConnectionHealthProperties,
  type AppConnectionProperties,
  type GetMetadataResponse,
  type RegisteredComponent,
} from "./metadata-response.ts";
export { decodeGetMetadataResponse } from "./metadata-response-decode.ts";
export { encodeGetMetadataResponse } from "./metadata-response-encode.ts";
export { type HttpHeadersResult, isGrpcOrigin, metadataToHttpHeaders } from "./metadata-to-http.ts";
export { appPaths, daprPaths, foreignDaprPaths, serviceInvocationPaths } from "./method-paths.ts";
export { newTraceContext } from "./new-trace.ts";
export { ProtoReader } from "./proto-reader.ts";
export { ProtoWriter, type ProtoWriterOptions } from "./proto-writer.ts";
export { httpReasonPhrase } from "./reason-phrase.ts";
export { answerReflection, reflectionServices } from "./reflection.ts";
export {
  decodeEmpty,
  decodeInvokeServiceRequest,
  decodeSetMetadataRequest,
  type EmptyMessage,
  encodeEmpty,
  encodeInvokeServiceRequest,
  encodeSetMetadataRequest,
  type InvokeServiceRequest,
  type SetMetadataRequest,
} from "./runtime-messages.ts";
export {
  decodeSignCertificateRequest,
  decodeSignCertificateResponse,
  encodeSignCertificateRequest,
  encodeSignCertificateResponse,
  type SignCertificateRequest,
  type SignCertificateResponse,
  signCertificatePath,
  tokenValidator,
} from "./sentry-messages.ts";
export { proxiedSpanKind, recordGrpcMetadata, recordHttpHeaders } from "./span-attributes.ts";
export { httpStatusToRpcCode, rpcCodeToHttpStatus } from "./status-codes.ts";
export { statusToJson } from "./status-json.ts";
export { decodeStatus, encodeStatus, type StatusMessage } from "./status-message.ts";
export {
  decodeStreamPayload,
  encodePayloadHead,
  encodeStreamPayload,
  type StreamPayload,
} from "./stream-payload.ts";
export {
  decodeTraceBin,
  encodeTraceBin,
  formatTraceparent,
  parseTraceparent,
  type SpanContext,
} from "./trace-context.ts";
export { parseTracestate } from "./tracestate.ts";
