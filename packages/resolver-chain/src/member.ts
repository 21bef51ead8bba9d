import {
  type ComponentContext,
  type Endpoint,
  type EndpointOutcome,
  errorText,
  type Instance,
  isOutriggerError,
  type Logger,
  OutriggerError,
  type ResolveRequest,
  type Resolver,
  unlessAborted,
} from "@outrigger/core";
import type { MemberSettings } from "./options.ts";
import { Questions } from "./questions.ts";

const firstRetryMs = 1_000;
const lastRetryMs = 30_000;
const withdrawTimeoutMs = 1_500;

/**
 * One resolver of the chain. What it fails to do at first, starting or announcing, it tries again in
 * the background, so that the others need not wait for it.
 */
export class Member {
  readonly name: string;
  readonly resolver: Resolver;
  readonly questions: Questions;
  readonly #timeoutMs: number;
  readonly #context: ComponentContext;
  /** Why it has not started; `undefined` when it has. */
  #notStarted: unknown;
  readonly #toAnnounce = new Set<Instance>();
  #retrying: Promise<void> | undefined;
  #cancelRetry = new AbortController();

  constructor(settings: MemberSettings, context: ComponentContext, recheckMs: number) {
    this.name = settings.name;
    this.#timeoutMs = settings.timeoutMs;
    this.#context = context;
    this.resolver = settings.resolver({ ...context, log: this.#quieter(context.log) });
    if (this.resolver.start !== undefined) {
      this.#notStarted = new OutriggerError("is not started", { code: "OTR_NOT_STARTED" });
    }
    const { timeoutMs } = settings;
    this.questions = new Questions({ recheckMs, timeoutMs, resolver: this.resolver });
  }

  /** Why it cannot be asked; `undefined` when it can. */
  get notStarted(): unknown {
    return this.#notStarted;
  }

  /** Tries once. Returns what went wrong, if anything did. */
  async start(signal: AbortSignal): Promise<unknown> {
    try {
      await this.#bounded(signal, async (bounded) => this.resolver.start?.(bounded));
      this.#notStarted = undefined;
    } catch (reason) {
      this.#notStarted = reason;
    }
    return this.#notStarted;
  }

  /** Tries once. Returns what went wrong, if anything did. */
  async announce(instance: Instance, signal: AbortSignal): Promise<unknown> {
    if (this.#notStarted !== undefined) return this.#notStarted;
    try {
      await this.#bounded(signal, async (bounded) => this.resolver.announce?.(instance, bounded));
      return undefined;
    } catch (reason) {
      return reason;
    }
  }

  /** Goes on trying to start, and to announce the instance, until it succeeds or is withdrawn. */
  retryLater(reason: unknown, instance?: Instance): void {
    if (isOutriggerError(reason, "OTR_OPTIONS_INVALID")) {
      // It would say the same every time.
      this.#log("error", `cannot be used: ${errorText(reason)}`);
      return;
    }
    const what = instance === undefined ? "start" : "announce this sidecar";
    this.#log("warn", `failed to ${what}, trying again in the background: ${errorText(reason)}`);
    if (instance !== undefined) this.#toAnnounce.add(instance);
    this.#retrying ??= this.#retry(this.#cancelRetry.signal).finally(() => {
      this.#retrying = undefined;
    });
  }

  async withdraw(): Promise<void> {
    this.#toAnnounce.clear();
    await this.#endRetry();
    const work = (async () => this.resolver.withdraw?.())();
    await unlessAborted(work, AbortSignal.timeout(withdrawTimeoutMs)).catch((reason: unknown) =>
      this.#log("warn", `failed to withdraw: ${errorText(reason)}`),
    );
  }

  report(request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    try {
      this.resolver.report?.(request, endpoint, outcome);
    } catch (reason) {
      this.#log("warn", `failed to take feedback: ${errorText(reason)}`);
    }
  }

  async stop(): Promise<void> {
    this.#toAnnounce.clear();
    await this.#endRetry();
    await this.resolver.stop?.();
  }

  /** Ends the attempts under way, so that none of them announces after a withdrawal. */
  async #endRetry(): Promise<void> {
    this.#cancelRetry.abort();
    await this.#retrying;
    this.#cancelRetry = new AbortController();
  }

  async #retry(signal: AbortSignal): Promise<void> {
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, lastRetryMs)) {
      await pause(delayMs, signal);
      if (signal.aborted) return;
      const reason = await this.#catchUp(signal);
      if (signal.aborted) return;
      if (reason === undefined) {
        this.#log("info", "has caught up");
        return;
      }
      this.#log("debug", `still fails: ${errorText(reason)}`);
    }
  }

  async #catchUp(signal: AbortSignal): Promise<unknown> {
    if (this.#notStarted !== undefined) {
      const reason = await this.start(signal);
      if (reason !== undefined) return reason;
    }
    for (const instance of this.#toAnnounce) {
      const reason = await this.announce(instance, signal);
      if (reason !== undefined) return reason;
      this.#toAnnounce.delete(instance);
    }
    return undefined;
  }

  async #bounded(
    signal: AbortSignal,
    work: (bounded: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const timeout = new AbortController();
    const timeoutMs = this.#timeoutMs;
    const timer = setTimeout(() => {
      timeout.abort(
        new OutriggerError(`did not end within ${timeoutMs} ms`, { code: "OTR_TIMEOUT" }),
      );
    }, timeoutMs);
    try {
      const bounded = AbortSignal.any([signal, timeout.signal]);
      await unlessAborted(work(bounded), bounded);
    } finally {
      clearTimeout(timer);
    }
  }

  /** That a member does not know an app is no warning while another one knows it. */
  #quieter(log: Logger): Logger {
    return {
      log: (level, message, fields) => {
        // The constructor of the resolver may log before there are questions.
        const demoted = level === "warn" && this.questions?.isUnawaited(message) === true;
        log.log(demoted ? "debug" : level, message, fields);
      },
      enabled: (level) => log.enabled(level),
      scope: (scope) => this.#quieter(log.scope(scope)),
    };
  }

  #log(level: "debug" | "info" | "warn" | "error", text: string): void {
    this.#context.log.log(level, `name resolver ${this.name} of the chain ${text}`);
  }
}

/** Never rejects: the caller looks at the signal. */
function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    timer.unref();
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
