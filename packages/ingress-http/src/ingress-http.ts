import type { Server as Http1Server } from "node:http";
import type { Http2Server, Http2Session } from "node:http2";
import {
  type ComponentContext,
  compose,
  errorText,
  type HttpHandler,
  type Ingress,
  type IngressFactory,
  joinHostPort,
  type ListenAddress,
  type Logger,
  OutriggerError,
  type Sidecar,
} from "@outrigger/core";
import { apiLog } from "./api-log.ts";
import { cors } from "./cors.ts";
import type { HttpMiddleware } from "./http-middleware.ts";
import { createHttp1Server, type EngineParts } from "./http1-engine.ts";
import { createHttp2Server } from "./http2-engine.ts";
import { Listener, type ListenTarget } from "./listener.ts";
import { measure } from "./measure.ts";
import { type IngressHttpOptions, type IngressSettings, parseIngressOptions } from "./options.ts";
import { sniffProtocol } from "./protocol-sniffer.ts";
import { createRouter } from "./router.ts";
import { traceContext } from "./trace-context.ts";
import { traceSpans } from "./trace-spans.ts";
import { userPipeline } from "./user-pipeline.ts";

const firstRetryMs = 100;
const lastRetryMs = 500;

/** The HTTP API that the local app calls. */
export function ingressHttp(options: IngressHttpOptions = {}): IngressFactory {
  const settings = parseIngressOptions(options);
  return (context, sidecar) => new IngressHttp(settings, context, sidecar);
}

class IngressHttp implements Ingress {
  readonly name = "ingress-http";
  readonly #settings: IngressSettings;
  readonly #log: Logger;
  readonly #runtimeLog: Logger;
  readonly #http1: Http1Server;
  readonly #http2: Http2Server | undefined;
  readonly #publicHttp1: Http1Server;
  readonly #sessions = new Set<Http2Session>();
  readonly #listeners: Listener[] = [];
  readonly #addresses: ListenAddress[] = [];
  #running = 0;
  #draining = false;
  #idle: (() => void) | undefined;

  constructor(settings: IngressSettings, context: ComponentContext, sidecar: Sidecar) {
    this.#settings = settings;
    this.#runtimeLog = context.log;
    this.#log = context.log.scope("dapr.runtime.http");
    const api = this.#engineParts(apiHandler(settings, context, sidecar));
    this.#http2 = settings.disableHttp2 ? undefined : createHttp2Server(api);
    this.#http1 = createHttp1Server(api, this.#http2);
    this.#http2?.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#publicHttp1 = createHttp1Server(
      this.#engineParts(publicHandler(settings, context, sidecar)),
    );
  }

  addresses(): readonly ListenAddress[] {
    return this.#addresses;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { headersTimeoutMs, publicPort, publicHost } = this.#settings;
    const targets = this.#targets();
    await Promise.all(targets.map((target) => this.#listenApi(target, headersTimeoutMs, signal)));
    const [first] = this.#addresses;
    if (first === undefined) {
      throw new OutriggerError("failed to start HTTP server: could not listen on any endpoint", {
        code: "OTR_LISTEN_FAILED",
        details: { port: this.#settings.port },
      });
    }
    this.#runtimeLog.log(
      "info",
      `HTTP server is running on port ${first.port || this.#settings.port}`,
    );
    if (publicPort !== undefined) await this.#listenPublic(publicHost, publicPort);
  }

  /** Requests on HTTP/2 connections are waited for as well, where Dapr cuts them off. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#draining = true;
    for (const listener of this.#listeners) listener.close();
    for (const session of this.#sessions) session.close();
    this.#http1.closeIdleConnections();
    this.#publicHttp1.closeIdleConnections();
    if (this.#running === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  async stop(): Promise<void> {
    this.#draining = true;
    await Promise.all(this.#listeners.map((listener) => listener.destroy()));
    this.#http1.close();
    this.#publicHttp1.close();
    this.#http2?.close();
  }

  #targets(): readonly ListenTarget[] {
    const { hosts, port, unixSocketPath } = this.#settings;
    if (unixSocketPath !== undefined) return [{ path: unixSocketPath }];
    return hosts.map((host) => ({ host, port }));
  }

  #engineParts(handler: HttpHandler): EngineParts {
    return {
      ...this.#settings,
      handler: (request) => this.#count(() => handler(request)),
      onBroken: (reason) => {
        this.#log.log(
          "warn",
          `HTTP service invocation failed to complete with error: ${errorText(reason)}`,
        );
      },
      onEnded: () => this.#release(),
    };
  }

  /** One address of the API. A failing one is left out: another may do. */
  async #listenApi(target: ListenTarget, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const listener = new Listener(target, (socket) => {
      if (this.#draining) socket.destroy();
      else sniffProtocol(socket, this.#http1, this.#http2, timeoutMs);
    });
    try {
      // Unlike a port, a path is not freed by waiting: Dapr tries it once, too.
      const retryMs = "path" in target ? 0 : this.#settings.bindRetryMs;
      const address = await retryBind(() => listener.listen(), retryMs, signal);
      this.#listeners.push(listener);
      this.#addresses.push(address);
      const shown = "path" in target ? target.path : joinHostPort(target.host, address.port);
      this.#log.log("info", `HTTP server listening on TCP address: ${shown}`);
    } catch (reason) {
      signal.throwIfAborted();
      this.#log.log("warn", `HTTP server cannot listen: ${errorText(reason)}`);
    }
  }

  async #listenPublic(host: string, port: number): Promise<void> {
    const listener = new Listener({ host, port }, (socket) => {
      this.#publicHttp1.emit("connection", socket);
    });
    try {
      await listener.listen();
      this.#listeners.push(listener);
    } catch (cause) {
      throw new OutriggerError(`failed to start public HTTP server: ${errorText(cause)}`, {
        code: "OTR_LISTEN_FAILED",
        cause,
        details: { port },
      });
    }
    this.#runtimeLog.log("info", `public HTTP server is running on port ${port}`);
  }

  /** Counts a request until its answer has been written. */
  #count<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    return work();
  }

  #release(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#idle?.();
  }
}

function apiHandler(
  settings: IngressSettings,
  context: ComponentContext,
  sidecar: Sidecar,
): HttpHandler {
  const { allowedOrigins, guards, pipeline, onApiCall } = settings;
  const stages = outerStages(settings, context);
  if (allowedOrigins.length > 0) stages.push(cors(allowedOrigins));
  stages.push(...guards);
  if (pipeline !== undefined) stages.push(userPipeline(pipeline));
  if (onApiCall !== undefined) stages.push(apiLog(onApiCall));
  return compose(stages, createRouter({ sidecar, settings, isPublic: false }));
}

function publicHandler(
  settings: IngressSettings,
  context: ComponentContext,
  sidecar: Sidecar,
): HttpHandler {
  const stages = outerStages(settings, context);
  return compose(stages, createRouter({ sidecar, settings, isPublic: true }));
}

/** What both servers begin with: tracing, then metrics. */
function outerStages(
  { traceContext: traces, onRequest, outerMiddlewares }: IngressSettings,
  context: ComponentContext,
): HttpMiddleware[] {
  const { tracer } = context;
  const tracing = tracer === undefined ? traceContext(context) : traceSpans(tracer);
  return [
    ...(traces ? [tracing] : []),
    ...(onRequest === undefined ? [] : [measure(onRequest)]),
    ...outerMiddlewares,
  ];
}

/** A port that is taken is tried again for a while: a restart in place needs its own ports back. */
async function retryBind<T>(
  bind: () => Promise<T>,
  limitMs: number,
  signal: AbortSignal,
): Promise<T> {
  const endsAt = performance.now() + limitMs;
  let delayMs = firstRetryMs;
  for (;;) {
    try {
      return await bind();
    } catch (reason) {
      const { code } = reason as { code?: string };
      if (code !== "EADDRINUSE" || performance.now() + delayMs > endsAt) throw reason;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      signal.throwIfAborted();
      delayMs = Math.min(delayMs * 2, lastRetryMs);
    }
  }
}
