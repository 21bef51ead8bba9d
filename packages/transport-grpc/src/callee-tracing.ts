import {
  bytesToText,
  type ComponentContext,
  type ReceivedCall,
  RpcCode,
  type Span,
  type TraceContext,
  type Tracer,
  toRpcStatus,
} from "@outrigger/core";
import { type GrpcServerCall, type GrpcStatus, okStatus } from "@outrigger/grpc-http2";
import {
  decodeTraceBin,
  formatTraceparent,
  grpcTrace,
  proxiedSpanKind,
  recordGrpcMetadata,
} from "@outrigger/protocol";

/** Spans of the calls that arrive from other sidecars (Dapr `pkg/diagnostics/grpc_tracing.go`). */
export class CalleeTracing {
  readonly #tracer: Tracer | undefined;
  readonly #appId: string;

  constructor({ tracer, appId }: Pick<ComponentContext, "tracer" | "appId">) {
    this.#tracer = tracer;
    this.#appId = appId;
  }

  /** Runs an invocation in a span of its own; without a tracer, in the context that it came with. */
  run(
    call: GrpcServerCall,
    work: (trace: TraceContext | undefined) => Promise<void>,
  ): Promise<void> {
    if (this.#tracer === undefined) return work(passedOn(call));
    const trace = this.#tracer.begin("server", call.path, grpcTrace(call.headers));
    if (trace.span === undefined) return work(trace);
    recordGrpcMetadata(trace.span, call.headers);
    this.#describe(trace.span, "");
    trace.span.set("dapr.protocol", "grpc");
    trace.span.set("dapr.api", call.path);
    return endedBy(
      trace.span,
      work(trace).then(() => okStatus),
    );
  }

  /** Tells the span what the request turned out to call. */
  name({ method, trace }: ReceivedCall): void {
    if (trace?.span !== undefined) this.#describe(trace.span, bytesToText(method));
  }

  /** Runs a proxied call in a span of its own. The app gets the metadata as the peer sent it. */
  async runProxied(call: GrpcServerCall, work: () => Promise<GrpcStatus>): Promise<void> {
    if (this.#tracer === undefined) {
      await work();
      return;
    }
    const kind = proxiedSpanKind(call.headers, this.#appId);
    const { span } = this.#tracer.begin(kind, call.path, grpcTrace(call.headers));
    if (span === undefined) {
      await work();
      return;
    }
    recordGrpcMetadata(span, call.headers);
    await endedBy(span, work());
  }

  #describe(span: Span, method: string): void {
    span.name = `CallLocal/${this.#appId}/${method}`;
    span.set("rpc.service", "ServiceInvocation");
    span.set("dapr.invoke_method", method);
  }
}

async function endedBy(span: Span, work: Promise<GrpcStatus>): Promise<void> {
  try {
    const { code, message } = await work;
    span.end(code === RpcCode.OK ? undefined : message);
  } catch (reason) {
    span.end(toRpcStatus(reason).message);
    throw reason;
  }
}

function passedOn(call: GrpcServerCall): TraceContext | undefined {
  const binary = call.header("grpc-trace-bin");
  const span = binary === undefined ? undefined : decodeTraceBin(binary);
  const traceparent = span === undefined ? call.header("traceparent") : formatTraceparent(span);
  return traceparent === undefined ? undefined : { traceparent, tracestate: "" };
}
