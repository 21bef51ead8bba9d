import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import {
  type AppChannel,
  abortError,
  type Body,
  type ByteString,
  bytesToText,
  type ComponentContext,
  type ComponentFactory,
  ConcurrencyLimit,
  emptyBody,
  headerValue,
  type InvokeResponse,
  isBuffered,
  isOutriggerError,
  joinHostPort,
  type ReceivedCall,
} from "@outrigger/core";
import { appResponseHeaders } from "@outrigger/protocol";
import { appFailure } from "./app-failure.ts";
import type { Engine, EngineResponse } from "./engine.ts";
import { HttpEngine } from "./http-engine.ts";
import { Http2Engine } from "./http2-engine.ts";
import { measuredExchange } from "./measured-exchange.ts";
import {
  type AppChannelHttpOptions,
  type ChannelSettings,
  parseChannelOptions,
} from "./options.ts";
import { exchangeThrough } from "./pipeline-exchange.ts";
import { type RequestHead, requestHead } from "./request-head.ts";

const dialIntervalMs = 100;
const dialTimeoutMs = 500;
const greetTimeoutMs = 30_000;
/** "Waiting" is logged after this many attempts, as Dapr does. */
const attemptsPerLogLine = 100;

/** The way to a local app that speaks HTTP/1.1 or cleartext HTTP/2. */
export function appChannelHttp(options: AppChannelHttpOptions): ComponentFactory<AppChannel> {
  const settings = parseChannelOptions(options);
  return (context) => new AppChannelHttp(settings, context);
}

class AppChannelHttp implements AppChannel {
  readonly name = "app-channel-http";
  readonly protocol: "http" | "https" | "h2c";
  readonly #settings: ChannelSettings;
  readonly #context: ComponentContext;
  readonly #engine: Engine;
  readonly #limit: ConcurrencyLimit;
  readonly #baseUrl: string;

  constructor(settings: ChannelSettings, context: ComponentContext) {
    this.protocol = settings.protocol;
    this.#settings = settings;
    this.#context = context;
    this.#engine =
      settings.protocol === "h2c" ? new Http2Engine(settings) : new HttpEngine(settings);
    this.#limit = new ConcurrencyLimit(settings.maxConcurrency);
    const scheme = settings.protocol === "https" ? "https" : "http";
    this.#baseUrl = `${scheme}://${joinHostPort(settings.host, settings.port)}`;
  }

  async deliver(call: ReceivedCall): Promise<InvokeResponse> {
    const head = requestHead(call, this.#settings, this.#baseUrl);
    const release = await this.#limit.acquire(call.signal);
    try {
      const response = await this.#measured(head, methodPath(call), call.body, () =>
        this.#exchange(head, call.body, call.signal, release),
      );
      return toInvokeResponse(response);
    } catch (reason) {
      release();
      if (isOutriggerError(reason)) throw reason;
      if (call.signal.aborted) throw abortError(call.signal);
      throw appFailure(reason, head, this.#settings);
    }
  }

  async waitUntilListening(signal: AbortSignal): Promise<void> {
    const { port } = this.#settings;
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      if (await this.#accepts()) return;
      if (attempt % attemptsPerLogLine === 0) {
        this.#context.log.log("info", `waiting for application to listen on port ${port}`);
      }
      await pause(dialIntervalMs, signal);
    }
  }

  async greet(signal: AbortSignal): Promise<void> {
    if (!this.#settings.greets) {
      this.#context.log.log(
        "info",
        "Skipping programmatic dapr configuration loading (see 'disable-init-endpoints' flag/annotation)",
      );
      return;
    }
    const headers = ["Dapr-App-Id", this.#context.appId, "Content-Type", "application/json"];
    const { appToken } = this.#settings;
    if (appToken) headers.push("Dapr-Api-Token", appToken);
    try {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(greetTimeoutMs)]);
      const head = this.#getHead("/dapr/config", headers);
      const response = await this.#measured(head, head.path, emptyBody, () =>
        this.#exchange(head, emptyBody, bounded, () => undefined),
      );
      await discard(response);
      if (response.status === 200)
        this.#context.log.log("info", "Application configuration loaded");
    } catch {
      // The call tells the app that the sidecar is up; apps that do not care answer with an error.
    }
  }

  async probe(path: string, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const { onProbe } = this.#settings;
    const startedAt = performance.now();
    try {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const head = this.#getHead(slashed(path), []);
      const response = await this.#engine.exchange(head, emptyBody, bounded, () => undefined);
      await discard(response);
      const { status } = response;
      onProbe?.(status, performance.now() - startedAt);
      return status >= 200 && status < 300;
    } catch {
      signal.throwIfAborted();
      onProbe?.(500, performance.now() - startedAt);
      return false;
    }
  }

  async stop(): Promise<void> {
    this.#engine.close();
  }

  #measured(
    { method }: RequestHead,
    path: ByteString,
    body: Body,
    exchange: () => Promise<EngineResponse>,
  ): Promise<EngineResponse> {
    const { onRequest } = this.#settings;
    return onRequest === undefined
      ? exchange()
      : measuredExchange(onRequest, { method, path, body }, exchange);
  }

  #getHead(path: string, headers: readonly string[]): RequestHead {
    return { method: "GET", path, headers, url: `${this.#baseUrl}${path}`, contentLength: 0 };
  }

  /** One request through the user's handlers, where there are some. */
  #exchange(
    head: RequestHead,
    body: Body,
    signal: AbortSignal,
    onClose: () => void,
  ): Promise<EngineResponse> {
    const { pipeline } = this.#settings;
    return pipeline === undefined || pipeline.isEmpty
      ? this.#engine.exchange(head, body, signal, onClose)
      : exchangeThrough(pipeline, this.#engine, { head, body, signal, onClose });
  }

  /** One attempt to connect: TCP, and TLS where the app speaks it. */
  #accepts(): Promise<boolean> {
    const { host, port, protocol } = this.#settings;
    return new Promise((resolve) => {
      const socket =
        protocol === "https"
          ? connectTls({ host, port, rejectUnauthorized: false })
          : connectTcp({ host, port });
      const end = (accepted: boolean): void => {
        socket.destroy();
        resolve(accepted);
      };
      socket.setTimeout(dialTimeoutMs, () => end(false));
      socket.once(protocol === "https" ? "secureConnect" : "connect", () => end(true));
      socket.once("error", () => end(false));
    });
  }
}

async function discard({ body }: EngineResponse): Promise<void> {
  if (!isBuffered(body)) await body[Symbol.asyncIterator]().return?.();
}

function toInvokeResponse({ status, headers, body }: EngineResponse): InvokeResponse {
  return {
    status: { code: status, message: "", details: [] },
    headers: appResponseHeaders(headers),
    trailers: [],
    contentType: headerValue(headers, "content-type") ?? "",
    typeUrl: "",
    body,
  };
}

/** The invoked method as Dapr's metrics name it. */
function methodPath({ method }: ReceivedCall): string {
  const path = slashed(method);
  return /[\x80-\xff]/.test(path) ? bytesToText(path) : path;
}

function slashed(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
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
