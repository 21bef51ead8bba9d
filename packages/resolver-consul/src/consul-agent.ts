import { EventEmitter } from "node:events";
import type { OutgoingHttpHeaders, RequestOptions } from "node:http";
import { OutriggerError } from "@outrigger/core";
import Consul from "consul";
import type { ConsulConnection } from "./connection.ts";
import { AgentError, type Answer, exchange, StaleConnection } from "./exchange.ts";
import type { ConsulRegistration } from "./registration.ts";

/** Parameters of a query string; a list is repeated. */
export type QueryParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A question to the agent. */
export interface Question {
  readonly parameters: QueryParameters;
  readonly headers?: OutgoingHttpHeaders;
  /** ACL token, where it differs from that of the connection. */
  readonly token?: string | undefined;
}

type ClientOptions = NonNullable<ConstructorParameters<typeof Consul>[0]>;

/**
 * The agent's HTTP API. The client of npm serves for what it sends completely; it drops fields of
 * registrations and the cache control of queries, so those go out from here.
 */
export class ConsulAgent {
  readonly #connection: ConsulConnection;
  readonly #client: Consul;

  constructor(connection: ConsulConnection) {
    this.#connection = connection;
    this.#client = new Consul(clientOptions(connection));
  }

  /** Succeeds when the agent answers. */
  async probe(signal: AbortSignal): Promise<void> {
    await cancellable((ctx) => this.#client.agent.self(ctx), signal);
  }

  async deregister(id: string, signal: AbortSignal): Promise<void> {
    await cancellable((ctx) => this.#client.agent.service.deregister({ id, ...ctx }), signal);
  }

  /** Says that a TTL check passes. @throws an error with `statusCode` 404 when the agent lost it. */
  async pass(checkId: string, signal: AbortSignal): Promise<void> {
    await cancellable((ctx) => this.#client.agent.check.pass({ id: checkId, ...ctx }), signal);
  }

  async register(payload: ConsulRegistration, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify(payload);
    await this.#exchange("PUT", "/v1/agent/service/register", { parameters: {} }, signal, body);
  }

  async get(path: string, question: Question, signal: AbortSignal): Promise<Answer> {
    return this.#exchange("GET", path, question, signal);
  }

  close(): void {
    this.#client.destroy();
  }

  async #exchange(
    method: string,
    path: string,
    question: Question,
    signal: AbortSignal,
    body?: string,
  ): Promise<Answer> {
    const options = this.#requestOptions(question, body);
    const query = this.#query(question.parameters);
    const full = { ...options, method, path: `${this.#connection.pathPrefix}${path}${query}` };
    try {
      return await exchange(full, this.#connection.secure, signal, body);
    } catch (reason) {
      // The agent closed the connection since it was used last. All requests may be repeated, but a
      // blocking one that breaks off says that the agent was restarted: the watch must know.
      const isStale = reason instanceof StaleConnection && question.parameters.index === undefined;
      if (!isStale || signal.aborted) throw reason;
      return exchange(full, this.#connection.secure, signal, body);
    }
  }

  #requestOptions({ headers, token }: Question, body: string | undefined): RequestOptions {
    const { host, port, agent, auth, token: ownToken } = this.#connection;
    const useToken = token || ownToken;
    return {
      host,
      port,
      agent,
      ...(auth !== undefined && { auth }),
      headers: {
        ...headers,
        ...(useToken && { "X-Consul-Token": useToken }),
        ...(body !== undefined && { "Content-Length": Buffer.byteLength(body) }),
      },
    };
  }

  #query(parameters: QueryParameters): string {
    const { datacenter, namespace, partition } = this.#connection;
    return queryString({ dc: datacenter, ns: namespace, partition, ...parameters });
  }
}

function queryString(parameters: QueryParameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    for (const one of typeof value === "string" ? [value] : value) query.append(name, one);
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** Its types leave out the base URL and the headers, which it passes on. */
function clientOptions(connection: ConsulConnection): ClientOptions {
  const { secure, host, port, pathPrefix, agent, token, auth, ...defaults } = connection;
  const { datacenter, partition } = defaults;
  const name = host.includes(":") ? `[${host}]` : host;
  const options = {
    baseUrl: `${secure ? "https" : "http"}://${name}:${port}${pathPrefix}/v1`,
    agent,
    headers: auth === undefined ? {} : { authorization: basicAuthorization(auth) },
    defaults: {
      ...(token !== undefined && { token }),
      ...(datacenter !== undefined && { dc: datacenter }),
      ...(partition !== undefined && { partition }),
    },
  };
  return options;
}

function basicAuthorization(auth: string): string {
  return `Basic ${Buffer.from(auth).toString("base64")}`;
}

/** The client knows no signals, but it listens for `cancel` on an emitter. */
async function cancellable<T>(
  // Its types name the token as what every call may have, and not the emitter.
  call: (context: { readonly ctx: EventEmitter; token?: string }) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const ctx = new EventEmitter();
  const cancel = (): boolean => ctx.emit("cancel");
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await call({ ctx });
  } catch (reason) {
    signal.throwIfAborted();
    throw reason;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** True when the agent said that it does not know what was asked about. */
export function isUnknown(reason: unknown): boolean {
  if (reason instanceof AgentError) return reason.status === 404;
  if (!(reason instanceof Error) || !("statusCode" in reason)) return false;
  // Older agents answer 500 and say it in the text.
  return reason.statusCode === 404 || /unknown (service|check)/i.test(reason.message);
}

/** An error of the contract with Dapr's text in front. */
export function failure(text: string, cause: unknown): OutriggerError {
  const why = cause instanceof Error ? cause.message || String(cause.name) : String(cause);
  return new OutriggerError(`${text}: ${why}`, { code: "OTR_RESOLVE_FAILED", cause });
}
