import type { BodyStream } from "../call.ts";
import { toRpcStatus } from "../errors.ts";
import type { ProxyCall, ProxyEnding, ProxyResponse } from "../proxy.ts";
import type { AttemptResult, CallPolicy } from "../resiliency.ts";
import { RpcCode } from "../rpc-status.ts";
import { isAnnouncedStream } from "./counted-attempt.ts";
import { TrackedBody } from "./repeatable-body.ts";
import { ReplayBody } from "./replay-body.ts";
import { SingleMessage } from "./single-message.ts";

type Open = (call: ProxyCall) => Promise<ProxyResponse>;

/**
 * Runs a proxied call under a policy. Nothing tells a unary call from a stream but the client's
 * `dapr-stream`: without it the whole call is under the policy, with it the opening alone.
 * @param known whether the target has been found at least once; an unknown name is not tried again.
 */
export function proxyUnder(
  policy: CallPolicy,
  call: ProxyCall,
  open: Open,
  known: () => boolean,
): Promise<ProxyResponse> {
  if (isAnnouncedStream(call)) return openUnder(policy, call, open, known);
  return policy.retries
    ? repeatUnary(policy, call, open, known)
    : policy.run<ProxyResponse>({
        signal: call.signal,
        deadlineMs: call.deadlineMs,
        attempt: async (signal) => {
          const response = timed(await open({ ...call, signal }), signal, call.signal);
          return { value: response, ended: succeeded(response.ended) };
        },
        repeatable: () => false,
        discard,
      });
}

function openUnder(
  policy: CallPolicy,
  call: ProxyCall,
  open: Open,
  known: () => boolean,
): Promise<ProxyResponse> {
  const frames = new TrackedBody(call.frames);
  return policy.run<ProxyResponse>({
    signal: call.signal,
    deadlineMs: call.deadlineMs,
    untimed: true,
    attempt: async (signal) => ({ value: await open({ ...call, frames, signal }) }),
    repeatable: () => known() && !frames.started,
    discard,
  });
}

async function repeatUnary(
  policy: CallPolicy,
  call: ProxyCall,
  open: Open,
  known: () => boolean,
): Promise<ProxyResponse> {
  const message = new SingleMessage(call.frames);
  const frames = new ReplayBody(message, policy.maxReplayBytes);
  try {
    const response = await policy.run<ProxyResponse>({
      signal: call.signal,
      deadlineMs: call.deadlineMs,
      attempt: async (signal) => {
        const opened = await open({ ...call, frames, signal });
        return untilAnswered(timed(opened, signal, call.signal));
      },
      repeatable: () => known() && frames.repeatable,
      discard,
    });
    const release = (): void => frames.release();
    const ended = response.ended.then((ending) => {
      release();
      const { violation } = message;
      return violation === undefined ? ending : { status: toRpcStatus(violation), trailers: [] };
    });
    return { ...response, ended };
  } catch (reason) {
    frames.release();
    throw message.violation ?? reason;
  }
}

/**
 * Waits for the first message or the end. With a message the answer is under way to the client, and
 * no other attempt may follow.
 */
async function untilAnswered(response: ProxyResponse): Promise<AttemptResult<ProxyResponse>> {
  const iterator = response.frames[Symbol.asyncIterator]();
  const first = await iterator.next();
  const frames = rejoined(first, iterator);
  const value = { ...response, frames };
  if (first.done !== true) return { value, ended: succeeded(response.ended) };
  const { code } = (await response.ended).status;
  return code === RpcCode.OK ? { value } : { value, failure: { code } };
}

function rejoined(first: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>): BodyStream {
  let head: IteratorResult<Uint8Array> | undefined = first;
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => {
      if (head === undefined) return rest.next();
      const result = head;
      if (!result.done) head = undefined;
      return Promise.resolve(result);
    },
    return: () => rest.return?.() ?? Promise.resolve({ done: true, value: undefined }),
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** Once its time is up, a call has ended for that reason, whatever the connection says. */
function timed(response: ProxyResponse, attempt: AbortSignal, caller: AbortSignal): ProxyResponse {
  if (attempt === caller) return response;
  const ended = response.ended.then((ending) =>
    attempt.aborted && !caller.aborted && ending.status.code !== RpcCode.OK
      ? { status: toRpcStatus(attempt.reason), trailers: [] }
      : ending,
  );
  return { ...response, ended };
}

async function succeeded(ended: Promise<ProxyEnding>): Promise<boolean> {
  const { status } = await ended;
  return status.code === RpcCode.OK;
}

function discard({ frames }: ProxyResponse): void {
  void frames[Symbol.asyncIterator]()
    .return?.()
    .catch(() => undefined);
}
