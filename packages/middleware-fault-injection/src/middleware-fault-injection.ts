import {
  abortError,
  type ComponentFactory,
  type HeaderList,
  type HttpHandler,
  type HttpMiddlewareComponent,
  type HttpRequest,
  type HttpResponse,
  headerValue,
  type Logger,
} from "@outrigger/core";
import {
  type AbortFault,
  type FaultSettings,
  type MiddlewareFaultInjectionOptions,
  parseFaultOptions,
} from "./options.ts";

/**
 * Delays and fails requests on purpose, to try out those who send them.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function middlewareFaultInjection(
  options: MiddlewareFaultInjectionOptions = {},
): ComponentFactory<HttpMiddlewareComponent> {
  const settings = parseFaultOptions(options);
  return ({ log, random }) => new MiddlewareFaultInjection(settings, log, random);
}

class MiddlewareFaultInjection implements HttpMiddlewareComponent {
  readonly name = "middleware-fault-injection";
  readonly #settings: FaultSettings;
  readonly #wanted: readonly (readonly [string, string])[];
  readonly #log: Logger;
  readonly #random: () => number;
  /** Ends the delay of each request that is held up. */
  readonly #delayed = new Set<() => void>();
  #started = false;

  constructor(settings: FaultSettings, log: Logger, random: () => number) {
    this.#settings = settings;
    this.#wanted = Object.entries(settings.headers).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]);
    this.#log = log;
    this.#random = random;
  }

  /** Tells of it: nobody should look for a fault that is made here. */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    this.#log.log("warn", `middleware-fault-injection: ${describe(this.#settings)} on purpose`);
  }

  async handle(request: HttpRequest, next: HttpHandler): Promise<HttpResponse> {
    if (!this.#matches(request.headers)) return next(request);
    const { delay, abort } = this.#settings;
    // Both are drawn first, so that a seed means the same faults however long the delays take.
    const isDelayed = delay !== undefined && this.#draws(delay.percentage);
    const isAborted = abort !== undefined && this.#draws(abort.percentage);
    if (isDelayed) await this.#delay(delay.durationMs, request.signal);
    return isAborted ? answerOf(abort) : next(request);
  }

  /** Requests that are held up go on. */
  async stop(): Promise<void> {
    for (const end of this.#delayed) end();
  }

  #matches(headers: HeaderList): boolean {
    return this.#wanted.every(([name, wanted]) => {
      const value = headerValue(headers, name);
      return wanted === "*" ? value !== undefined : value === wanted;
    });
  }

  #draws(percentage: number): boolean {
    return this.#random() * 100 < percentage;
  }

  /** Rejects when the client leaves meanwhile. */
  #delay(durationMs: number, signal: AbortSignal): Promise<void> {
    if (this.#delayed.size >= this.#settings.maxDelayed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const release = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        this.#delayed.delete(end);
      };
      const end = (): void => {
        release();
        resolve();
      };
      const onAbort = (): void => {
        release();
        reject(abortError(signal));
      };
      const timer = setTimeout(end, durationMs);
      this.#delayed.add(end);
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}

const body: Uint8Array = new TextEncoder().encode("fault injected\n");

function answerOf({ httpStatus }: AbortFault): HttpResponse {
  const headers = ["Content-Type", "text/plain; charset=utf-8", "X-Outrigger-Fault", "abort"];
  // These have no body (RFC 9110 sections 15.3.5 and 15.4.5).
  const isEmpty = httpStatus === 204 || httpStatus === 304;
  return isEmpty
    ? { status: httpStatus, headers: headers.slice(2), body: new Uint8Array(0) }
    : { status: httpStatus, headers, body };
}

function describe({ delay, abort, headers }: FaultSettings): string {
  const faults = [
    ...(delay ? [`delays ${delay.percentage} % of requests by ${delay.durationMs} ms`] : []),
    ...(abort ? [`answers ${abort.percentage} % of requests with ${abort.httpStatus}`] : []),
  ];
  const names = Object.keys(headers);
  const those = names.length === 0 ? "" : `, of those with ${names.join(", ")}`;
  return `${faults.join(" and ") || "does nothing"}${those},`;
}
