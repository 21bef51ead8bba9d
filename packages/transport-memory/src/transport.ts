import {
  type ComponentFactory,
  type InvokeRequest,
  type InvokeResponse,
  isOutriggerError,
  OutriggerError,
  RpcCode,
  rpcError,
  type Transport,
  type TransportHandler,
  toRpcStatus,
} from "@outrigger/core";
import { guardedBody } from "./guarded-body.ts";
import type { MemoryNetwork } from "./network.ts";

/** Options of the memory transport. */
export interface TransportMemoryOptions {
  /** The network that callers and callees share. */
  network: MemoryNetwork;
  /** Port to listen on; 0 picks a free one. Default 0. */
  port?: number;
}

/** Sidecar to sidecar inside one process: for tests, and for runtimes embedded side by side. */
export function transportMemory(options: TransportMemoryOptions): ComponentFactory<Transport> {
  const { network, port: wantedPort = 0 } = options;
  return ({ now }) => {
    const underWay = new Set<Promise<unknown>>();
    let listening: number | undefined;

    /** Counts the calls that drain waits for. */
    function counted(handler: TransportHandler): TransportHandler {
      return {
        receive: async (call) => {
          const answering = handler.receive(call);
          underWay.add(answering);
          try {
            return await answering;
          } finally {
            underWay.delete(answering);
          }
        },
        proxy: (call) => handler.proxy(call),
      };
    }

    function reach(port: number, appId: string): TransportHandler {
      const handler = network.find(port);
      if (handler !== undefined) return handler;
      const message = `nobody listens on port ${port} for ${appId}`;
      throw rpcError("OTR_PEER_UNAVAILABLE", { code: RpcCode.UNAVAILABLE, message });
    }

    function detach(): void {
      if (listening !== undefined) network.detach(listening);
      listening = undefined;
    }

    return {
      name: "transport-memory",
      features: { streams: true, remote: false },
      connect: ({ port }, peer) => ({
        invoke: async (call) => invoke(reach(port, peer.appId), call, now),
        proxy: async (call) => reach(port, peer.appId).proxy(call),
        reset: () => undefined,
      }),
      listen: async (handler, signal) => {
        signal.throwIfAborted();
        listening = network.attach(wantedPort, counted(handler));
        return { host: "127.0.0.1", port: listening };
      },
      drain: async (signal) => {
        detach();
        const { aborted, dispose } = whenAborted(signal);
        await Promise.race([Promise.allSettled(underWay), aborted]);
        dispose();
      },
      stop: async () => detach(),
    };
  };
}

/** One call: ends with the answer, the caller's signal or its deadline, whichever comes first. */
async function invoke(
  handler: TransportHandler,
  call: InvokeRequest,
  now: () => number,
): Promise<InvokeResponse> {
  const given = new AbortController();
  const { aborted, dispose } = whenAborted(call.signal);
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<"timeout">((resolve) => {
    if (call.deadlineMs === undefined) return;
    timer = setTimeout(() => resolve("timeout"), Math.max(0, call.deadlineMs - now()));
  });
  const release = (): void => {
    clearTimeout(timer);
    dispose();
  };
  const givenUp = Promise.race([aborted, timedOut]).then((outcome): never => {
    release();
    const reason = outcome === "timeout" ? pastDeadline() : callerGone(call.signal.reason);
    given.abort(reason);
    throw reason;
  });
  givenUp.catch(() => undefined);
  try {
    // The callee's half has no use for the name; it gets what another sidecar would send it.
    const body = guardedBody(call.body, given.signal);
    const answering = handler.receive({ ...call, target: "", body, signal: given.signal });
    answering.catch(() => undefined);
    const response = await Promise.race([answering, givenUp]);
    return { ...response, body: guardedBody(response.body, given.signal, release) };
  } catch (reason) {
    release();
    throw asPeerFailure(reason);
  }
}

function pastDeadline(): OutriggerError {
  const message = "context deadline exceeded";
  return rpcError("OTR_TIMEOUT", { code: RpcCode.DEADLINE_EXCEEDED, message });
}

function callerGone(cause: unknown): OutriggerError {
  return new OutriggerError("the caller went away", { code: "OTR_ABORTED", cause });
}

/** A caller cannot look into its peer: of an error only the status crosses over. */
function asPeerFailure(reason: unknown): unknown {
  if (isOutriggerError(reason, "OTR_TIMEOUT") || isOutriggerError(reason, "OTR_ABORTED")) {
    return reason;
  }
  const rpc = toRpcStatus(reason);
  if (rpc.code === RpcCode.UNAVAILABLE) return rpcError("OTR_PEER_UNAVAILABLE", rpc);
  if (rpc.code === RpcCode.UNAUTHENTICATED) return rpcError("OTR_PEER_UNAUTHENTICATED", rpc);
  if (rpc.code === RpcCode.DEADLINE_EXCEEDED) return rpcError("OTR_TIMEOUT", rpc);
  if (rpc.code === RpcCode.PERMISSION_DENIED) return rpcError("OTR_POLICY_DENIED", rpc);
  return rpcError("OTR_PEER_FAILED", rpc);
}

function whenAborted(signal: AbortSignal): { aborted: Promise<"aborted">; dispose: () => void } {
  let listener: () => void = () => undefined;
  const aborted = new Promise<"aborted">((resolve) => {
    listener = () => resolve("aborted");
    if (signal.aborted) listener();
    else signal.addEventListener("abort", listener, { once: true });
  });
  return { aborted, dispose: () => signal.removeEventListener("abort", listener) };
}
