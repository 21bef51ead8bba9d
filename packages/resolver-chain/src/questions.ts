import { type Endpoint, OutriggerError, type ResolveRequest, type Resolver } from "@outrigger/core";

/** Most apps remembered per member; the oldest goes first. */
const maxApps = 4_096;
/** First pause before a member that does not know an app is asked again in the background. */
const firstRecheckMs = 1_000;
/** How long an earlier answer stands in for one that has not come yet. */
const standInMs = 20_000;

/** What a member said. `endpoints` is empty when it does not know the app. */
export interface Answer {
  readonly endpoints: readonly Endpoint[];
  /** Why there are no endpoints. */
  readonly reason?: unknown;
}

interface AppState {
  asking: Promise<Answer> | undefined;
  /** The question under way took longer than others wait. */
  late: boolean;
  endpoints: readonly Endpoint[];
  answeredAt: number;
  /** 0 unless the member did not know the app when it was asked last. */
  quietMs: number;
  quietUntil: number;
}

/** Settings of {@link Questions}. */
export interface QuestionSettings {
  readonly resolver: Resolver;
  readonly timeoutMs: number;
  readonly recheckMs: number;
}

/** The questions to one member: at most one per app at a time, each with a deadline. */
export class Questions {
  readonly #settings: QuestionSettings;
  readonly #apps = new Map<string, AppState>();
  /** App ids of questions whose answers nobody waits for. */
  readonly #unawaited = new Set<string>();
  /** Ends the questions under way. */
  readonly #cancels = new Set<(reason: unknown) => void>();

  constructor(settings: QuestionSettings) {
    this.#settings = settings;
  }

  /** Never rejects: a failure is an answer without endpoints. */
  ask(key: string, request: ResolveRequest): Promise<Answer> {
    this.#unawaited.delete(request.appId);
    return this.#ask(key, request);
  }

  /** Asks a quiet member again when it is time to. The answer counts for the next call. */
  askInBackground(key: string, request: ResolveRequest): void {
    const state = this.#stateOf(key);
    if (state.asking !== undefined || performance.now() < state.quietUntil) return;
    this.#unawaited.add(request.appId);
    void this.#ask(key, request);
  }

  /** Ends every question under way. */
  cancelAll(reason: unknown): void {
    for (const cancel of [...this.#cancels]) cancel(reason);
  }

  /** True for a text about an app that is asked for although others know it. */
  isUnawaited(text: string): boolean {
    for (const appId of this.#unawaited) if (text.includes(appId)) return true;
    return false;
  }

  /** True when the member did not know the app lately, or is slow: others need not wait for it. */
  isQuiet(key: string): boolean {
    const state = this.#apps.get(key);
    return state !== undefined && (state.late || state.quietMs > 0);
  }

  /** The question under way is not waited for any more; its answer counts for the next call. */
  markLate(key: string, { appId }: ResolveRequest): void {
    const state = this.#apps.get(key);
    if (state?.asking === undefined) return;
    state.late = true;
    this.#unawaited.add(appId);
  }

  /** What the member said a moment ago, for as long as it has not answered again. */
  standIn(key: string): readonly Endpoint[] {
    const state = this.#apps.get(key);
    if (state === undefined || performance.now() - state.answeredAt > standInMs) return [];
    return state.endpoints;
  }

  #ask(key: string, request: ResolveRequest): Promise<Answer> {
    const state = this.#stateOf(key);
    state.asking ??= this.#attempt(request).then((answer) => {
      state.asking = undefined;
      state.late = false;
      this.#unawaited.delete(request.appId);
      this.#note(state, answer);
      return answer;
    });
    return state.asking;
  }

  // On the way of every call: a plain promise costs a third of signals that listen to signals.
  #attempt(request: ResolveRequest): Promise<Answer> {
    const { resolver, timeoutMs } = this.#settings;
    const deadline = new AbortController();
    return new Promise((resolve) => {
      const settle = (answer: Answer): void => {
        clearTimeout(timer);
        this.#cancels.delete(cancel);
        resolve(answer);
      };
      const cancel = (reason: unknown): void => {
        settle({ endpoints: [], reason });
        deadline.abort(reason);
      };
      const timer = setTimeout(() => cancel(timedOut(timeoutMs)), timeoutMs);
      this.#cancels.add(cancel);
      const fail = (reason: unknown): void => settle({ endpoints: [], reason });
      try {
        resolver.resolve(request, deadline.signal).then((endpoints) => {
          if (Array.isArray(endpoints)) settle({ endpoints });
          else fail(new TypeError("it answered with something that is no list"));
        }, fail);
      } catch (reason) {
        fail(reason);
      }
    });
  }

  #note(state: AppState, { endpoints }: Answer): void {
    const now = performance.now();
    state.endpoints = endpoints;
    state.answeredAt = now;
    const { recheckMs } = this.#settings;
    const pause = state.quietMs === 0 ? firstRecheckMs : state.quietMs * 2;
    state.quietMs = endpoints.length > 0 ? 0 : Math.min(pause, recheckMs);
    state.quietUntil = now + state.quietMs;
  }

  #stateOf(key: string): AppState {
    const known = this.#apps.get(key);
    if (known !== undefined) return known;
    const oldest = this.#apps.keys().next();
    if (this.#apps.size >= maxApps && !oldest.done) this.#apps.delete(oldest.value);
    const state: AppState = {
      asking: undefined,
      late: false,
      endpoints: [],
      answeredAt: Number.NEGATIVE_INFINITY,
      quietMs: 0,
      quietUntil: 0,
    };
    this.#apps.set(key, state);
    return state;
  }
}

function timedOut(timeoutMs: number): OutriggerError {
  return new OutriggerError(`no answer within ${timeoutMs} ms`, { code: "OTR_RESOLVE_FAILED" });
}
