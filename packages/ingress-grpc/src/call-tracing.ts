import type { ComponentContext, HeaderList, Span, TraceContext, Tracer } from "@outrigger/core";
import { RpcCode } from "@outrigger/core";
import type { GrpcServerCall, GrpcStatus } from "@outrigger/grpc-http2";
import { grpcTrace, proxiedSpanKind, recordGrpcMetadata } from "@outrigger/protocol";
import { traceOf } from "./trace.ts";

/** Dapr's own services; every other one is proxied. */
const ownService = /^\/(?:dapr\.proto\.runtime\.|dapr\.proto\.internals\.)/;

/** Spans of the calls of the local app (Dapr `pkg/diagnostics/grpc_tracing.go`). */
export class CallTracing {
  readonly #isOn: boolean;
  readonly #tracer: Tracer | undefined;
  readonly #appId: string;
  readonly #random: () => number;

  /** @param isOn false leaves traces alone altogether. */
  constructor(
    isOn: boolean,
    { tracer, appId, random }: Pick<ComponentContext, "tracer" | "appId" | "random">,
  ) {
    this.#isOn = isOn;
    this.#tracer = tracer;
    this.#appId = appId;
    this.#random = random;
  }

  /** The context that a call goes on with; without a tracer the client's, or one that is not sampled. */
  begin(call: GrpcServerCall, headers: HeaderList): TraceContext | undefined {
    if (!this.#isOn) return undefined;
    if (this.#tracer === undefined) return traceOf(headers, this.#random);
    const isOwn = ownService.test(call.path);
    const kind = isOwn ? "client" : proxiedSpanKind(headers, this.#appId);
    const trace = this.#tracer.begin(kind, call.path, grpcTrace(headers));
    const { span } = trace;
    if (span !== undefined) {
      recordGrpcMetadata(span, headers);
      if (isOwn) {
        span.set("dapr.protocol", "grpc");
        span.set("dapr.api", call.path);
      }
    }
    return trace;
  }
}

/** Ends the span of a call with the status that its client got. */
export function endSpan(span: Span, { code, message }: GrpcStatus): void {
  // An error without a text is one all the same.
  span.end(code === RpcCode.OK ? undefined : message);
}
