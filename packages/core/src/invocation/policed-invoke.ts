import {
  type Body,
  type InvokeRequest,
  type InvokeResponse,
  isBuffered,
  isHttpStatus,
} from "../call.ts";
import type { AttemptResult, CallPolicy } from "../resiliency.ts";
import { ReplayBody } from "./replay-body.ts";
import { WatchedBody } from "./watched-body.ts";

/** Verbs of requests that do no harm when they are made twice (RFC 9110, 9.2.2). */
const idempotentVerbs: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** What the attempts of a call have to do with the rest of the runtime. */
export interface Attempts {
  /** Instances that the target had when it was last looked up. */
  instances(): number;
  retrying(reason: unknown, delayMs: number): void;
}

/** Runs a whole invocation, look-up included, under a policy. */
export async function invokeUnder(
  policy: CallPolicy,
  call: InvokeRequest,
  deliver: (call: InvokeRequest) => Promise<InvokeResponse>,
  { instances, retrying }: Attempts,
): Promise<InvokeResponse> {
  // The gRPC API does not say what its calls do; and the verb that they may carry is the app's.
  const hedges =
    policy.hedges === true && call.origin === "http" && idempotentVerbs.has(call.http?.verb ?? "");
  const body = keep(policy, call, hedges);
  const replay = body instanceof ReplayBody ? body : undefined;
  // A body of unknown length is sent once, whatever the policy says (Dapr).
  const repeats = call.bodyLength !== undefined && (isBuffered(body) || replay !== undefined);
  const repeatable = (): boolean => repeats && replay?.repeatable !== false;
  try {
    const response = await policy.run<InvokeResponse>({
      signal: call.signal,
      deadlineMs: call.deadlineMs,
      attempt: async (signal) => judge(call, await deliver({ ...call, body, signal })),
      repeatable,
      ...(hedges ? { hedgeable: (underWay) => underWay < instances() && repeatable() } : {}),
      discard: ({ body: unwanted }) => discardBody(unwanted),
      retrying,
    });
    if (replay === undefined) return response;
    return releasing(replay, response);
  } catch (reason) {
    replay?.release();
    throw reason;
  }
}

function keep(policy: CallPolicy, { body, bodyLength }: InvokeRequest, hedges: boolean): Body {
  const keeps =
    (policy.retries || hedges) &&
    !isBuffered(body) &&
    bodyLength !== undefined &&
    bodyLength <= policy.maxReplayBytes;
  return keeps ? new ReplayBody(body, policy.maxReplayBytes, hedges) : body;
}

function judge(call: InvokeRequest, response: InvokeResponse): AttemptResult<InvokeResponse> {
  const failure = failureOf(call, response.status.code);
  if (isBuffered(response.body)) return { value: response, failure };
  const body = new WatchedBody(response.body, call.signal);
  return { value: { ...response, body }, failure, ended: body.ended };
}

/**
 * What counts as a failure differs between the APIs (Dapr): over HTTP, any status of a gRPC app and
 * redirects are answers; `InvokeService` takes nothing but success, and its failures have no code
 * that lists could be matched with.
 */
function failureOf({ origin }: InvokeRequest, code: number): AttemptResult<never>["failure"] {
  if (origin === "http") {
    return isHttpStatus(code) && (code < 200 || code > 399) ? { code } : undefined;
  }
  const succeeded = isHttpStatus(code) ? code >= 200 && code <= 299 : code === 0;
  return succeeded ? undefined : { code: undefined };
}

function discardBody(body: Body): void {
  if (isBuffered(body)) return;
  void body[Symbol.asyncIterator]()
    .return?.()
    .catch(() => undefined);
}

/** The request is kept as long as its answer lasts: an app may answer before it has read everything. */
function releasing(replay: ReplayBody, response: InvokeResponse): InvokeResponse {
  const release = (): void => replay.release();
  if (response.body instanceof WatchedBody) void response.body.ended.then(release);
  else release();
  return response;
}
