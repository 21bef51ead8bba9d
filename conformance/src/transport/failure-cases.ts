import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import {
  type Connection,
  isOutriggerError,
  type OutriggerErrorCode,
  RpcCode,
  rpcError,
} from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import {
  answer,
  gate,
  httpCall,
  listen,
  patterned,
  peer,
  pieces,
  serve,
  until,
  whenAborted,
} from "./calls.ts";
import type { TransportSubject } from "./subject.ts";

/** How calls fail. */
export const failureCases: readonly ConformanceCase<TransportSubject>[] = [
  {
    id: "transport/failure/peer-errors",
    title:
      "an error of the callee's sidecar keeps its RPC code and message, under the right error code",
    run: async (subject, signal) => {
      let code: number = RpcCode.INTERNAL;
      const connection = await serve(
        subject,
        async () => {
          throw rpcError("OTR_APP_FAILED", { code, message: `failure: "${code}" gr\u00fc\u00dfe` });
        },
        signal,
      );
      const expected: readonly (readonly [number, OutriggerErrorCode])[] = [
        [RpcCode.UNKNOWN, "OTR_PEER_FAILED"],
        [RpcCode.INVALID_ARGUMENT, "OTR_PEER_FAILED"],
        [RpcCode.INTERNAL, "OTR_PEER_FAILED"],
        [RpcCode.PERMISSION_DENIED, "OTR_POLICY_DENIED"],
        [RpcCode.UNAVAILABLE, "OTR_PEER_UNAVAILABLE"],
        [RpcCode.UNAUTHENTICATED, "OTR_PEER_UNAUTHENTICATED"],
      ];
      for (const [rpcCode, errorCode] of expected) {
        code = rpcCode;
        await rejects(connection.invoke(httpCall(signal)), (reason) => {
          ok(isOutriggerError(reason), String(reason));
          equal(reason.code, errorCode);
          equal(reason.rpc?.code, rpcCode);
          equal(reason.rpc?.message, `failure: "${rpcCode}" gr\u00fc\u00dfe`);
          return true;
        });
      }
    },
  },
  {
    id: "transport/failure/unreachable",
    title: "an endpoint where nobody listens is OTR_PEER_UNAVAILABLE within five seconds",
    run: async ({ caller, unreachable }, signal) => {
      const startedMs = performance.now();
      await failsWith(caller.connect(unreachable, peer), signal, "OTR_PEER_UNAVAILABLE");
      ok(performance.now() - startedMs < 5_500, "the failure is known within five seconds");
    },
  },
  {
    id: "transport/failure/deadline",
    title: "a call past its deadline is OTR_TIMEOUT, and the app's signal aborts",
    run: async (subject, signal) => {
      const aborted = gate();
      const connection = await serve(
        subject,
        async (call) => {
          await whenAborted(call.signal);
          aborted.open();
          throw new Error("aborted");
        },
        signal,
      );
      const call = httpCall(signal, { deadlineMs: Date.now() + 50 });
      await within(
        rejects(connection.invoke(call), (reason) => isOutriggerError(reason, "OTR_TIMEOUT")),
        signal,
      );
      await within(aborted.passed, signal);
    },
  },
  {
    id: "transport/failure/abort",
    title: "the caller's abort is OTR_ABORTED, and the app's signal aborts",
    run: async (subject, signal) => {
      const arrived = gate();
      const aborted = gate();
      const connection = await serve(
        subject,
        async (call) => {
          arrived.open();
          await whenAborted(call.signal);
          aborted.open();
          throw new Error("aborted");
        },
        signal,
      );
      const controller = new AbortController();
      const calling = connection.invoke(httpCall(controller.signal));
      const rejected = rejects(calling, (reason) => isOutriggerError(reason, "OTR_ABORTED"));
      await within(arrived.passed, signal);
      controller.abort();
      await within(rejected, signal);
      await within(aborted.passed, signal);
    },
  },
  {
    id: "transport/failure/connection-lost",
    title:
      "a connection lost in mid-call is OTR_PEER_UNAVAILABLE, and a peer that comes back is reached",
    appliesTo: ({ caller }) => caller.features.remote,
    run: async (subject, signal) => {
      const arrived = gate();
      const { port } = await listen(
        subject.callee,
        async (call) => {
          arrived.open();
          await whenAborted(call.signal);
          throw new Error("aborted");
        },
        signal,
      );
      const connection = subject.caller.connect({ host: "127.0.0.1", port }, peer);
      const lost = failsWith(connection, signal, "OTR_PEER_UNAVAILABLE");
      await within(arrived.passed, signal);
      await subject.callee.stop?.();
      await within(lost, signal);
      const back = subject.makeCallee(port);
      try {
        await listen(back, async () => answer(), signal);
        equal((await connection.invoke(httpCall(signal))).status.code, 200);
      } finally {
        await back.stop?.();
      }
    },
  },
  {
    id: "transport/failure/broken-answer",
    title: "an app that breaks off its answer makes the body fail, not end",
    appliesTo: ({ caller }) => caller.features.streams,
    run: async (subject, signal) => {
      const connection = await serve(
        subject,
        async () =>
          answer({
            body: (async function* () {
              yield patterned(5_000);
              throw new Error("the app broke off");
            })(),
          }),
        signal,
      );
      await rejects(async () => {
        const response = await connection.invoke(httpCall(signal));
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) ok(chunk.length > 0);
      }, /the app broke off/);
    },
  },
  {
    id: "transport/failure/early-answer",
    title: "an app may answer without reading the request's body",
    appliesTo: ({ caller }) => caller.features.streams,
    run: async (subject, signal) => {
      const connection = await serve(
        subject,
        async () => answer({ status: { code: 413, message: "", details: [] } }),
        signal,
      );
      const body = pieces(Array.from({ length: 200 }, () => patterned(65_536)));
      const response = await within(connection.invoke(httpCall(signal, { body })), signal);
      deepEqual(response.status.code, 413);
    },
  },
  {
    id: "transport/failure/other-calls-unharmed",
    title: "a failed call does not harm others of the same connection",
    run: async (subject, signal) => {
      let calls = 0;
      const released = gate();
      const connection = await serve(
        subject,
        async (call) => {
          calls += 1;
          if (call.method === "fail") throw new Error("failure");
          await released.passed;
          return answer();
        },
        signal,
      );
      const waiting = connection.invoke(httpCall(signal));
      await until(() => calls === 1, signal);
      await rejects(connection.invoke(httpCall(signal, { method: "fail" })));
      released.open();
      equal((await within(waiting, signal)).status.code, 200);
    },
  },
];

function failsWith(
  connection: Connection,
  signal: AbortSignal,
  code: OutriggerErrorCode,
): Promise<void> {
  return rejects(connection.invoke(httpCall(signal)), (reason) => {
    ok(isOutriggerError(reason, code), `expected ${code}, got ${String(reason)}`);
    return true;
  });
}

/** The promise, or the failure of the case when its time is over. */
export function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = whenAborted(signal).then(() => {
    throw new Error("not within the time of the case");
  });
  return Promise.race([promise, over]);
}
