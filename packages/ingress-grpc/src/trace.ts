import {
  type HeaderList,
  headerValue,
  RpcCode,
  rpcError,
  type TraceContext,
} from "@outrigger/core";
import {
  decodeTraceBin,
  encodeTraceBin,
  formatTraceparent,
  isValidBaggage,
  newTraceContext,
  normalizeBaggage,
  parseTraceparent,
} from "@outrigger/protocol";

/**
 * Trace context of a call without a tracer: the client's own, in binary form first, as Dapr reads
 * it, else ids of its own that are not sampled.
 */
export function traceOf(headers: HeaderList, random: () => number): TraceContext {
  const tracestate = headerValue(headers, "tracestate") ?? "";
  const binary = headerValue(headers, "grpc-trace-bin");
  const span = binary === undefined ? undefined : decodeTraceBin(binary);
  if (span !== undefined) return { traceparent: formatTraceparent(span), tracestate };
  const traceparent = headerValue(headers, "traceparent");
  if (traceparent === undefined || parseTraceparent(traceparent) === undefined) {
    return newTraceContext(random);
  }
  return { traceparent, tracestate };
}

/** The context as gRPC metadata, in both of its forms. */
export function traceMetadata({ traceparent }: TraceContext): HeaderList {
  const span = parseTraceparent(traceparent);
  if (span === undefined) return [];
  return ["traceparent", traceparent, "grpc-trace-bin", encodeTraceBin(span)];
}

/**
 * The baggage of a call, all values joined, which its answer repeats.
 * @throws OutriggerError with status INVALID_ARGUMENT when it is no W3C baggage.
 */
export function baggageMetadata(headers: HeaderList): HeaderList {
  let baggage: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] !== "baggage") continue;
    const value = headers[index + 1] as string;
    baggage = baggage === undefined ? value : `${baggage},${value}`;
  }
  if (baggage === undefined || baggage === "") return [];
  const wrong = isValidBaggage(baggage);
  if (wrong === undefined) return ["baggage", normalizeBaggage(baggage)];
  throw rpcError("OTR_PROTOCOL_VIOLATION", {
    code: RpcCode.INVALID_ARGUMENT,
    message: `invalid baggage header: ${wrong}`,
  });
}
