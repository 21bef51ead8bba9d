import { includesEndpoint } from "../balancer.ts";
import type { InvokeRequest, InvokeResponse } from "../call.ts";
import { isOutriggerError, OutriggerError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Endpoint, ResolveRequest, Resolver } from "../resolver.ts";
import type { Telemetry } from "../telemetry.ts";
import type { Connection, Transport } from "../transport.ts";
import { abortError, pause } from "./abortable.ts";
import { countedAttempt } from "./counted-attempt.ts";
import type { EndpointPicker } from "./endpoint-picker.ts";
import { isRetryable, retriesExhausted } from "./failures.ts";
import { type CallerIdentity, forwardedBy } from "./forwarded.ts";
import { canRepeat, repeatableBody } from "./repeatable-body.ts";
import { ReplayBody } from "./replay-body.ts";
import { RetryLog } from "./retry-log.ts";

/** The retries that every remote call has (Dapr: `DaprBuiltInServiceRetries`). */
export interface BuiltInRetry {
  /** Attempts after the first on endpoints that have all failed already. Default 3. */
  readonly retries: number;
  /** Pause before each of them, in milliseconds. Default 1000. */
  readonly delayMs: number;
  /** Begins the pauses of one call, in place of `delayMs`. Each step is the next one; -1 ends them. */
  readonly pauses?: () => () => number;
  /** Longest streamed body of a declared length that is kept for them, in bytes. Default 4194304. */
  readonly maxReplayBytes?: number;
}

/** What the attempts of one call have in common when a policy makes them. */
export interface Route {
  /** False: a failed attempt is the policy's business alone. */
  readonly builtIn: boolean;
  /** Endpoints that were chosen; avoided while there are others. */
  tried: Endpoint[];
  /** How many endpoints the target had at the last look; 0 before, and where there are none. */
  known: number;
}

/** What reaching another sidecar takes. */
export interface RemoteParts {
  readonly caller: CallerIdentity;
  readonly resolver: Resolver | undefined;
  readonly transport: Transport;
  readonly picker: EndpointPicker;
  readonly retry: BuiltInRetry;
  readonly telemetry: Telemetry | undefined;
  readonly log: Logger;
}

/** Endpoints tried without a pause in one call, however many the resolver knows. */
const maxFailovers = 8;

/** As long as any body may be by default, and no longer, so that large ones pass in little memory. */
const defaultReplayBytes = 4_194_304;

/** Resolve, balance, send; on a broken or refused connection, the next endpoint. */
export class RemoteInvoker {
  readonly #parts: RemoteParts;
  readonly #forward: ReturnType<typeof forwardedBy>;

  constructor(parts: RemoteParts) {
    this.#parts = parts;
    this.#forward = forwardedBy(parts.caller);
  }

  /** @throws OutriggerError of the last attempt, or of the first one that cannot be repeated. */
  async invoke(
    request: InvokeRequest,
    target: ResolveRequest,
    token: unknown,
    route?: Route,
  ): Promise<InvokeResponse> {
    const { maxReplayBytes = defaultReplayBytes } = this.#parts.retry;
    const body = repeatableBody(request, route?.builtIn === false ? 0 : maxReplayBytes);
    const metadata = this.#forward(request.metadata, target);
    const call: InvokeRequest = { ...request, metadata, body };
    // What a policy keeps is the policy's business.
    if (body === request.body || !(body instanceof ReplayBody)) {
      return this.#deliver(call, target, token, route);
    }
    try {
      const response = await this.#deliver(call, target, token, route);
      body.settle();
      return response;
    } catch (reason) {
      body.release();
      throw reason;
    }
  }

  async #deliver(
    call: InvokeRequest,
    target: ResolveRequest,
    token: unknown,
    route: Route | undefined,
  ): Promise<InvokeResponse> {
    const resolver = this.#requireResolver();
    const endpoints = await resolver.resolve(target, call.signal);
    const endpoint = this.#parts.picker.pick(target, endpoints, route?.tried ?? [], call);
    if (route !== undefined) {
      remember(route, endpoints, endpoint);
      route.known = endpoints.length;
    }
    this.#parts.telemetry?.resolved?.(token, target, endpoint);
    const connection = this.#parts.transport.connect(endpoint, target);
    try {
      return await this.#send(connection, endpoint, call, target);
    } catch (reason) {
      if (!isRetryable(reason)) throw reason;
      if (route?.builtIn === false) {
        connection.reset();
        resolver.report?.(target, endpoint, "unreachable");
        throw reason;
      }
      return this.#recover(resolver, call, target, token, { endpoint, connection, reason });
    }
  }

  #send(
    connection: Connection,
    endpoint: Endpoint,
    call: InvokeRequest,
    { appId }: ResolveRequest,
  ): Promise<InvokeResponse> {
    const { picker, telemetry } = this.#parts;
    const invoke = (): Promise<InvokeResponse> =>
      picker.during(endpoint, call.signal, () => connection.invoke(call));
    return telemetry === undefined ? invoke() : countedAttempt(telemetry, appId, invoke);
  }

  #requireResolver(): Resolver {
    const { resolver } = this.#parts;
    if (resolver !== undefined) return resolver;
    throw new OutriggerError("name resolver not initialized", { code: "OTR_RESOLVER_MISSING" });
  }

  /** Off the usual path: the first attempt failed in a way that another one may mend. */
  async #recover(
    resolver: Resolver,
    call: InvokeRequest,
    target: ResolveRequest,
    token: unknown,
    first: FailedAttempt,
  ): Promise<InvokeResponse> {
    const { retry, telemetry } = this.#parts;
    let failure = first;
    let retries = 0;
    let tried: Endpoint[] = [];
    const nextPause = retry.pauses?.();
    const log = new RetryLog(this.#parts.log);
    for (;;) {
      failure.connection?.reset();
      if (failure.endpoint !== undefined) {
        resolver.report?.(target, failure.endpoint, "unreachable");
        tried.push(failure.endpoint);
      }
      if (!canRepeat(call.body)) throw failure.reason;
      const untried = await untriedEndpoint(resolver, target, tried, call.signal);
      const failover = untried && tried.length <= maxFailovers;
      let pauseMs = 0;
      if (!failover) {
        if (call.bodyLength === undefined) throw failure.reason;
        pauseMs = nextPause?.() ?? retry.delayMs;
        if (retries >= retry.retries || pauseMs < 0) {
          throw retriesExhausted(call.target, retries, failure.reason as Error);
        }
        retries += 1;
        tried = [];
      }
      log.retrying(pauseMs);
      telemetry?.retried?.(token, failure.reason, pauseMs);
      if (pauseMs > 0) await pause(pauseMs, call.signal);
      const outcome = await this.#attempt(resolver, call, target, tried);
      if ("response" in outcome) {
        log.recovered();
        return outcome.response;
      }
      failure = outcome;
    }
  }

  async #attempt(
    resolver: Resolver,
    call: InvokeRequest,
    target: ResolveRequest,
    tried: readonly Endpoint[],
  ): Promise<{ readonly response: InvokeResponse } | FailedAttempt> {
    let endpoint: Endpoint | undefined;
    let connection: Connection | undefined;
    try {
      const endpoints = await resolver.resolve(target, call.signal);
      endpoint = this.#parts.picker.pick(target, endpoints, tried, call);
      const dialled = this.#parts.transport.connect(endpoint, target);
      connection = dialled;
      const response = await this.#send(dialled, endpoint, call, target);
      return { response };
    } catch (reason) {
      if (call.signal.aborted) throw isOutriggerError(reason) ? reason : abortError(call.signal);
      // A look-up that fails now may succeed later: the app was known a moment ago.
      if (endpoint !== undefined && !isRetryable(reason)) throw reason;
      return { endpoint, connection, reason };
    }
  }
}

/** Once every endpoint has had its turn, only the last one is avoided. */
export function remember(
  route: { tried: Endpoint[] },
  endpoints: readonly Endpoint[],
  chosen: Endpoint,
): void {
  route.tried.push(chosen);
  const isLeft = endpoints.some((endpoint) => !includesEndpoint(route.tried, endpoint));
  if (!isLeft) route.tried = [chosen];
}

interface FailedAttempt {
  readonly endpoint: Endpoint | undefined;
  readonly connection: Connection | undefined;
  readonly reason: unknown;
}

async function untriedEndpoint(
  resolver: Resolver,
  target: ResolveRequest,
  tried: readonly Endpoint[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const endpoints = await resolver.resolve(target, signal);
    return endpoints.some((endpoint) => !includesEndpoint(tried, endpoint));
  } catch {
    // Nothing known at the moment: the pause before the next attempt gives the registry time.
    if (signal.aborted) throw abortError(signal);
    return false;
  }
}
