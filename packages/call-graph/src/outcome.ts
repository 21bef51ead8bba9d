import { type InvokeResponse, isHttpStatus, isOutriggerError, RpcCode } from "@outrigger/core";

/** How calls end, in classes. The first three are successes, the others count as errors. */
export const outcomeClasses = [
  "2xx",
  "3xx",
  "grpc-ok",
  "4xx",
  "5xx",
  "grpc-error",
  "denied",
  "unresolved",
  "circuit-open",
  "timeout",
  "unreachable",
  "aborted",
  "failed",
] as const;

/** One of `outcomeClasses`. */
export type OutcomeClass = (typeof outcomeClasses)[number];

/** Number of classes at the front of the list that are no errors. */
export const successClasses = 3;

const index = Object.fromEntries(outcomeClasses.map((name, at) => [name, at])) as Record<
  OutcomeClass,
  number
>;

/** Place of the class in `outcomeClasses` of an answer, or of what was thrown instead. */
export function classOf(outcome: InvokeResponse | undefined, failure: unknown): number {
  return outcome === undefined ? failureClass(failure) : answerClass(outcome.status.code);
}

function answerClass(code: number): number {
  if (!isHttpStatus(code)) return code === RpcCode.OK ? index["grpc-ok"] : index["grpc-error"];
  if (code < 300) return index["2xx"];
  if (code < 400) return index["3xx"];
  return code < 500 ? index["4xx"] : index["5xx"];
}

function failureClass(failure: unknown): number {
  if (!isOutriggerError(failure)) return index.failed;
  switch (failure.code) {
    case "OTR_POLICY_DENIED":
      return index.denied;
    case "OTR_RESOLVE_NOT_FOUND":
    case "OTR_RESOLVE_FAILED":
    case "OTR_RESOLVER_MISSING":
    case "OTR_TARGET_INVALID":
      return index.unresolved;
    case "OTR_CIRCUIT_OPEN":
      return index["circuit-open"];
    case "OTR_TIMEOUT":
      return index.timeout;
    case "OTR_PEER_UNAVAILABLE":
    case "OTR_PEER_UNAUTHENTICATED":
    case "OTR_APP_UNREACHABLE":
    case "OTR_APP_UNHEALTHY":
    case "OTR_EXTERNAL_UNREACHABLE":
      return index.unreachable;
    case "OTR_ABORTED":
      return index.aborted;
    default:
      return statusClass(failure.rpc?.code);
  }
}

/** What the other sidecar said, where that is all that is known. */
function statusClass(code: number | undefined): number {
  if (code === RpcCode.PERMISSION_DENIED) return index.denied;
  if (code === RpcCode.DEADLINE_EXCEEDED) return index.timeout;
  return index.failed;
}
