import {
  type AppChannel,
  type AppProtocol,
  abortError,
  type ComponentContext,
  type ComponentFactory,
  ConcurrencyLimit,
  type InvokeResponse,
  isBuffered,
  isOutriggerError,
  type ReceivedCall,
  RpcCode,
  toRpcStatus,
} from "@outrigger/core";
import { frameMessage, framePrefixBytes, type GrpcClient } from "@outrigger/grpc-http2";
import { appPaths, encodeEmpty } from "@outrigger/protocol";
import { acceptsConnections, createAppClient } from "./app-client.ts";
import { encodeOnInvoke, failedAnswer, onInvokeHeaders, readOnInvoke } from "./on-invoke.ts";
import {
  type AppChannelGrpcOptions,
  type AppChannelSettings,
  parseChannelOptions,
} from "./options.ts";

/** Pause between two attempts to reach an app that does not listen yet. */
const attemptIntervalMs = 50;
/** One line of log in about ten seconds. */
const attemptsPerLogLine = 200;

/** Delivers calls to a local gRPC app through `AppCallback/OnInvoke`. */
export function appChannelGrpc(options: AppChannelGrpcOptions): ComponentFactory<AppChannel> {
  const settings = parseChannelOptions(options);
  return (context) => new GrpcAppChannel(settings, context);
}

class GrpcAppChannel implements AppChannel {
  readonly name = "app-channel-grpc";
  readonly protocol: AppProtocol;
  readonly #settings: AppChannelSettings;
  readonly #context: ComponentContext;
  readonly #client: GrpcClient;
  readonly #limit: ConcurrencyLimit;

  constructor(settings: AppChannelSettings, context: ComponentContext) {
    this.protocol = settings.tls ? "grpcs" : "grpc";
    this.#settings = settings;
    this.#context = context;
    this.#client = createAppClient(settings, context.now);
    this.#limit = new ConcurrencyLimit(settings.maxConcurrency);
  }

  async deliver(call: ReceivedCall): Promise<InvokeResponse> {
    const { maxMessageBytes } = this.#settings;
    const headers = onInvokeHeaders(call, this.#settings);
    const message = await this.#encode(call);
    if (!(message instanceof Uint8Array)) return failedAnswer(message);
    const release = await this.#limit.acquire(call.signal);
    const startedAt = performance.now();
    try {
      // Neither the caller's deadline nor its leaving ends the app's work (recorded Dapr behaviour).
      const response = await this.#client.call({
        path: appPaths.OnInvoke,
        headers,
        body: message,
      });
      const answer = await readOnInvoke(response, maxMessageBytes);
      this.#tell(message, answer.status.code, startedAt, answer);
      return answer;
    } catch (reason) {
      this.#tell(message, toRpcStatus(reason).code, startedAt);
      throw reason;
    } finally {
      release();
    }
  }

  async waitUntilListening(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      if (await acceptsConnections(this.#settings)) return;
      if (attempt % attemptsPerLogLine === 0) {
        const { port } = this.#settings;
        this.#context.log.log("info", `waiting for application to listen on port ${port}`);
      }
      await pause(attemptIntervalMs, signal);
    }
  }

  #tell(request: Uint8Array, code: number, startedAt: number, answer?: InvokeResponse): void {
    const { onRpc } = this.#settings;
    if (onRpc === undefined) return;
    const durationMs = performance.now() - startedAt;
    // The size of the answer's message less a few bytes of framing.
    const received = answer !== undefined && isBuffered(answer.body) ? answer.body.length : 0;
    onRpc(appPaths.OnInvoke, code, durationMs, received, request.length - framePrefixBytes);
  }

  /** gRPC apps are not told; Dapr asks them nothing at start either. */
  async greet(): Promise<void> {}

  async probe(_path: string, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const startedAt = performance.now();
    let code: number = RpcCode.UNKNOWN;
    try {
      const response = await this.#client.call({
        path: appPaths.HealthCheck,
        headers: [],
        body: frameMessage(encodeEmpty()),
        deadlineMs: this.#context.now() + timeoutMs,
        signal,
      });
      for await (const _message of response.messages) {
        // The answer is empty; only the status counts.
      }
      code = response.status?.code ?? code;
    } catch (reason) {
      code = toRpcStatus(reason).code;
      throw reason;
    } finally {
      if (!signal.aborted) this.#settings.onProbe?.(code, performance.now() - startedAt);
    }
    signal.throwIfAborted();
    return code === RpcCode.OK;
  }

  async stop(): Promise<void> {
    this.#client.close();
  }

  async #encode(call: ReceivedCall): ReturnType<typeof encodeOnInvoke> {
    try {
      return await encodeOnInvoke(call, this.#settings.maxMessageBytes);
    } catch (reason) {
      if (call.signal.aborted && !isOutriggerError(reason)) throw abortError(call.signal);
      throw reason;
    }
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(abortError(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
