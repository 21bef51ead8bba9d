import {
  type ComponentContext,
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
import { bindWithRetry } from "./bind.ts";
import { Activity } from "./engine/activity.ts";
import type { Engine } from "./engine/engine.ts";
import { Http1Engine } from "./engine/http1.ts";
import { Http2Engine } from "./engine/http2.ts";
import type { Acceptance, Listener } from "./engine/listener.ts";
import { type IngressHttpOptions, type IngressSettings, parseIngressOptions } from "./options.ts";
import { apiPipeline, publicPipeline } from "./pipeline.ts";

/** What Go's server allows beyond the configured size of the headers. */
const headSlackBytes = 4_096;

/**
 * The HTTP API that the local app calls: invocation, health, metadata and shutdown, over HTTP/1.1
 * and cleartext HTTP/2.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` at once.
 */
export function ingressHttp(options: IngressHttpOptions = {}): IngressFactory {
  const settings = parseIngressOptions(options);
  return (context, sidecar) => new IngressHttp(settings, context, sidecar);
}

class IngressHttp implements Ingress {
  readonly name = "ingress-http";
  readonly #settings: IngressSettings;
  readonly #context: ComponentContext;
  readonly #sidecar: Sidecar;
  readonly #log: Logger;
  readonly #activity = new Activity();
  readonly #engines: Engine[] = [];
  readonly #listeners: Listener[] = [];
  #started = false;

  constructor(settings: IngressSettings, context: ComponentContext, sidecar: Sidecar) {
    this.#settings = settings;
    this.#context = context;
    this.#sidecar = sidecar;
    this.#log = context.log.scope("dapr.runtime.http");
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    const { now } = this.#context;
    const handler = apiPipeline(this.#settings, this.#sidecar, now);
    await this.#listenApi(this.#acceptance(handler, !this.#settings.disableH2c), signal);
    const { publicPort, publicHost } = this.#settings;
    if (publicPort !== undefined) await this.#listenPublic(publicHost, publicPort);
  }

  addresses(): readonly ListenAddress[] {
    return this.#listeners.flatMap((listener) => listener.address() ?? []);
  }

  async drain(signal: AbortSignal): Promise<void> {
    await this.#close();
    for (const engine of this.#engines) engine.drain();
    await this.#activity.idle(signal);
  }

  async stop(): Promise<void> {
    await this.#close();
    for (const engine of this.#engines) engine.stop();
  }

  async #close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #listenApi(acceptance: Acceptance, signal: AbortSignal): Promise<void> {
    const { hosts, port, unixSocketPath, bindRetryMs } = this.#settings;
    const wanted =
      unixSocketPath === undefined
        ? hosts.map((host) => (host === "" ? { port } : { host, port }))
        : [{ path: unixSocketPath }];
    const bound = await Promise.allSettled(
      wanted.map((options) => bindWithRetry(options, acceptance, bindRetryMs, signal)),
    );
    let cause: unknown;
    for (const result of bound) {
      if (result.status === "fulfilled") {
        this.#listeners.push(result.value);
        this.#announce(result.value);
      } else {
        cause = result.reason;
        this.#log.log("debug", `Failed to listen for the HTTP server: ${errorText(cause)}`);
      }
    }
    if (this.#listeners.length === 0) {
      throw new OutriggerError("failed to start HTTP server: could not listen on any endpoint", {
        code: "OTR_LISTEN_FAILED",
        cause,
      });
    }
    const bindPort = this.#listeners[0]?.address()?.port ?? port;
    this.#context.log.log("info", `HTTP server is running on port ${bindPort}`);
  }

  #announce(listener: Listener): void {
    const address = listener.address();
    const text =
      address === undefined
        ? `HTTP server listening on UNIX socket: ${this.#settings.unixSocketPath}`
        : `HTTP server listening on TCP address: ${joinHostPort(address.host, address.port)}`;
    this.#log.log("info", text);
  }

  async #listenPublic(host: string, port: number): Promise<void> {
    const acceptance = this.#acceptance(publicPipeline(this.#settings, this.#sidecar), false);
    const options = host === "" ? { port } : { host, port };
    try {
      const noRetry = new AbortController().signal;
      this.#listeners.push(await bindWithRetry(options, acceptance, 0, noRetry));
    } catch (reason) {
      throw new OutriggerError(`failed to start the public HTTP server: ${errorText(reason)}`, {
        code: "OTR_LISTEN_FAILED",
        cause: reason,
      });
    }
  }

  #acceptance(handler: HttpHandler, withHttp2: boolean): Acceptance {
    const { maxHeaderBytes, headersTimeoutMs, inlineBodyBytes } = this.#settings;
    const engineSettings = {
      handler,
      headBytes: maxHeaderBytes + headSlackBytes,
      headersTimeoutMs,
      inlineBodyBytes,
      activity: this.#activity,
      onBodyFailure: (reason: unknown) => {
        const text = `HTTP service invocation failed to complete with error: ${errorText(reason)}`;
        this.#log.log("warn", text);
      },
    };
    const http1 = new Http1Engine(engineSettings);
    const http2 = withHttp2 ? new Http2Engine(engineSettings) : undefined;
    this.#engines.push(http1);
    if (http2 !== undefined) this.#engines.push(http2);
    return { http1, http2, headersTimeoutMs };
  }
}
