export type { AccessDecision, AccessPolicy, AccessRequest } from "./access-policy.ts";
export { type AppChannel, type AppProtocol, appFunction } from "./app-channel.ts";
export { AppHealth, type AppHealthSettings } from "./app-health.ts";
export {
  type BalancedCall,
  type Balancer,
  type BalancerSnapshot,
  roundRobin,
} from "./balancer.ts";
export {
  type Body,
  type BodyStream,
  type ByteString,
  type CallStatus,
  emptyBody,
  type HeaderList,
  type HttpExtension,
  headerValue,
  type InvokeRequest,
  type InvokeResponse,
  isBuffered,
  isHttpStatus,
  type PeerIdentity,
  type ReceivedCall,
  readBody,
  type StatusDetail,
  type TraceContext,
} from "./call.ts";
export { freeChunk, ownChunk } from "./chunk-memory.ts";
export type { Component, ComponentContext, ComponentFactory } from "./component.ts";
export { ConcurrencyLimit } from "./concurrency-limit.ts";
export { decodedPath } from "./decoded-path.ts";
export { EndpointCache, type EndpointCacheSettings } from "./endpoint-cache.ts";
export {
  createEndpointHealth,
  type EndpointHealth,
  type EndpointHealthSettings,
} from "./endpoint-health.ts";
export {
  errorText,
  isOutriggerError,
  OutriggerError,
  type OutriggerErrorCode,
  type OutriggerErrorOptions,
  rpcError,
  toRpcStatus,
} from "./errors.ts";
export type { ExternalTarget, ExternalTargets } from "./external-targets.ts";
export { formatGoDuration } from "./go-duration.ts";
export { goPattern } from "./go-pattern.ts";
export { bytesToText, goQuote, textToBytes } from "./go-quote.ts";
export { joinHostPort } from "./host-port.ts";
export type { HttpHandler, HttpRequest, HttpResponse } from "./http-exchange.ts";
export {
  type ComponentMetadata,
  type HttpMiddlewareComponent,
  type HttpMiddlewareFactory,
  type HttpPipeline,
  metadataFlag,
  metadataValue,
} from "./http-middleware.ts";
export type { Svid, WorkloadIdentity } from "./identity.ts";
export type {
  HealthView,
  Ingress,
  IngressFactory,
  Sidecar,
} from "./ingress.ts";
export { abortError, unlessAborted } from "./invocation/abortable.ts";
export { cleanPath, normalizeMethod } from "./invocation/method-path.ts";
export type { BuiltInRetry } from "./invocation/remote.ts";
export { parseTarget, type Target } from "./invocation/target.ts";
export { joinTelemetry } from "./join-telemetry.ts";
export { LiveHttpPipeline } from "./live-pipeline.ts";
export { type LogFields, type Logger, type LogLevel, silentLogger } from "./logger.ts";
export {
  type AppConnection,
  type ComponentDescription,
  type MetadataSnapshot,
  MetadataStore,
  type MetadataView,
  type SidecarDescription,
} from "./metadata.ts";
export { compose, type Handler, type Middleware } from "./middleware.ts";
export { parseOptions, type StandardSchema } from "./options.ts";
export type { CallOptions } from "./outgoing-call.ts";
export { plainAnswer } from "./plain-answer.ts";
export type { ProxyCall, ProxyChannel, ProxyEnding, ProxyResponse } from "./proxy.ts";
export type { AttemptResult, CallPolicy, PolicedCall, Resiliency } from "./resiliency.ts";
export type {
  Endpoint,
  EndpointOutcome,
  Instance,
  ResolveRequest,
  Resolver,
  ResolverFeatures,
} from "./resolver.ts";
export { formatRpcStatus, RpcCode, type RpcStatus } from "./rpc-status.ts";
export { createRuntime, type Runtime, type StopResult } from "./runtime.ts";
export type { RuntimeOptions } from "./runtime-options.ts";
export type { CallForm, CallSide, Telemetry } from "./telemetry.ts";
export type { Span, SpanKind, Tracer } from "./tracer.ts";
export type {
  Connection,
  ListenAddress,
  Transport,
  TransportFeatures,
  TransportHandler,
} from "./transport.ts";
export { writeBody } from "./write-body.ts";
