import { EventEmitter } from "node:events";
import { type IncomingMessage, type OutgoingHttpHeaders, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { OutriggerError } from "@outrigger/core";
import Consul from "consul";
import type { ConsulConnection } from "./connection.ts";
import type { ConsulRegistration } from "./registration.ts";

/** Most bytes of an answer: some 20000 instances. */
const maxAnswerBytes = 64 * 1_024 * 1_024;

/** Parameters of a query string; a list is repeated. */
export type QueryParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A question to the agent. */
export interface Question {
  readonly parameters: QueryParameters;
  readonly headers?: OutgoingHttpHeaders;
  /** ACL token, where it differs from that of the connection. */
  readonly token?: string | undefined;
}

/** What the agent said, and where in its history it was when it said so. */
export interface Answer {
  readonly body: unknown;
  readonly index: string | undefined;
}

/** An answer that is no success. */
export class AgentError extends Error {
  readonly status: number;
  constructor(status: number, text: string) {
    super(`Unexpected response code: ${status} (${text.trim()})`);
    this.status = status;
  }
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

  #exchange(
    method: string,
    path: string,
    { parameters, headers, token }: Question,
    signal: AbortSignal,
    body?: string,
  ): Promise<Answer> {
    const { host, port, pathPrefix, agent, auth, secure, ...connection } = this.#connection;
    const { datacenter, namespace, partition } = connection;
    const query = queryString({ dc: datacenter, ns: namespace, partition, ...parameters });
    const useToken = token || connection.token;
    return new Promise((resolve, reject) => {
      const request = (secure ? secureRequest : plainRequest)({
        method,
        host,
        port,
        path: `${pathPrefix}${path}${query}`,
        agent,
        signal,
        ...(auth !== undefined && { auth }),
        headers: {
          ...headers,
          ...(useToken && { "X-Consul-Token": useToken }),
          ...(body !== undefined && { "Content-Length": Buffer.byteLength(body) }),
        },
      });
      request.once("error", reject);
      request.once("response", (response) => readAnswer(response).then(resolve, reject));
      request.end(body);
    });
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error(`answer of more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  const { statusCode = 0, headers } = response;
  if (statusCode !== 200) throw new AgentError(statusCode, text.slice(0, 1_000));
  const index = headers["x-consul-index"];
  return {
    body: text === "" ? undefined : JSON.parse(text),
    index: typeof index === "string" ? index : undefined,
  };
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
