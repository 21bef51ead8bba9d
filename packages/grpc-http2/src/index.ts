export { answerEach } from "./answer-each.ts";
export { callProxy } from "./call-proxy.ts";
export { GrpcClient, type GrpcClientOptions } from "./client.ts";
export type { GrpcRequest, GrpcResponse } from "./client-call.ts";
export { decompress } from "./compression.ts";
export type { DialTarget, DialTls } from "./dial.ts";
export {
  FrameParser,
  framedBytes,
  frameMessage,
  framePrefixBytes,
  type GrpcFrame,
  writeFramePrefix,
} from "./frames.ts";
export { encodeBinary } from "./headers.ts";
export { daprKeepAlive, type KeepAliveTimes } from "./keep-alive.ts";
export { MessageReader } from "./message-reader.ts";
export { type CountedBody, readCounted, sendTooLarge } from "./send-limit.ts";
export { type ServeProxyOptions, serveProxy } from "./serve-proxy.ts";
export { type GrpcHandler, GrpcServer, type GrpcServerOptions } from "./server.ts";
export { GrpcServerCall } from "./server-call.ts";
export type { SessionLimits } from "./session-guard.ts";
export {
  decodeGrpcMessage,
  encodeGrpcMessage,
  type GrpcStatus,
  type GrpcStatusOrigin,
  okStatus,
} from "./status.ts";
export { encodeGrpcTimeout, parseGrpcTimeout } from "./timeout.ts";
