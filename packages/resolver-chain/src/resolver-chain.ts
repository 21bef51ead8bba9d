import {
  type ComponentContext,
  type ComponentFactory,
  createEndpointHealth,
  type Endpoint,
  type EndpointHealth,
  type EndpointOutcome,
  errorText,
  type Instance,
  isOutriggerError,
  OutriggerError,
  parseOptions,
  type ResolveRequest,
  type Resolver,
  type ResolverFeatures,
  unlessAborted,
} from "@outrigger/core";
import { AddressOwners } from "./address-owners.ts";
import { collect } from "./collect.ts";
import { Member } from "./member.ts";
import { nobodyKnows } from "./not-found.ts";
import { type ChainSettings, optionsSchema, type ResolverChainOptions } from "./options.ts";
import type { Answer } from "./questions.ts";
import { unionOf } from "./union.ts";

export type { ResolverChainMember, ResolverChainOptions } from "./options.ts";

/** Under load, calls use an answer this long, so that the members are not asked for each of them. */
const recentMs = 10;
/** Most answers of the last milliseconds. */
const maxRecent = 4_096;

/** No endpoint has it: shows whether a filter leaves anything else. */
const nowhere: Endpoint = { host: "", port: 0 };

/** Several resolvers as one: the first that knows the app answers, or all of them together. */
export function resolverChain(options: ResolverChainOptions): ComponentFactory<Resolver> {
  const settings = parseOptions("resolver-chain", optionsSchema, options);
  return (context) => new ResolverChain(settings, context);
}

class ResolverChain implements Resolver {
  readonly name: string;
  readonly features: ResolverFeatures;
  readonly #settings: ChainSettings;
  readonly #context: ComponentContext;
  readonly #members: readonly Member[];
  readonly #health: EndpointHealth;
  readonly #owners: AddressOwners;
  readonly #announced = new Set<string>();
  /** Answers of the last milliseconds. */
  readonly #recent = new Map<string, { until: number; endpoints: readonly Endpoint[] }>();
  #stopped = false;
  #failedAt = Number.NEGATIVE_INFINITY;
  #stopping: Promise<void> | undefined;

  constructor(settings: ChainSettings, context: ComponentContext) {
    const { recheckMs, retryAfterMs } = settings;
    this.#settings = settings;
    this.#context = context;
    this.#members = settings.members.map((member) => new Member(member, context, recheckMs));
    this.#health = createEndpointHealth({ now: () => performance.now(), retryAfterMs });
    this.#owners = new AddressOwners(context.log);
    const names = settings.members.map(({ name }) => name).join(", ");
    this.name = settings.name ?? `resolver-chain (${names})`;
    const features = this.#members.map(({ resolver }) => resolver.features);
    this.features = {
      announces: features.some(({ announces }) => announces),
      namespaces: features.every(({ namespaces }) => namespaces),
      expires: features.every(({ expires }) => expires),
      watches: false,
    };
  }

  /** Succeeds when one member has started; the others are started in the background. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#checkRunning();
    const failures = await this.#each((member) => member.start(signal));
    signal.throwIfAborted();
    this.#checkRunning();
    this.#judge(failures, this.#members, "no name resolver of the chain could start");
    for (const { member, reason } of failures) member.retryLater(reason);
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    signal.throwIfAborted();
    this.#checkRunning();
    const { appId } = request;
    const namespace = request.namespace || "default";
    const key = `${namespace}/${appId}`;
    const recent = this.#recent.get(key);
    if (recent !== undefined && performance.now() < recent.until) {
      return this.#health.filter(recent.endpoints);
    }
    const asked = { appId, namespace };
    const { mode } = this.#settings;
    const asking = mode === "merged" ? this.#askAll(key, asked) : this.#askInOrder(key, asked);
    const answers = await unlessAborted(asking, signal);
    this.#checkRunning();
    const found = this.#owners.filter(key, this.#union(key, answers));
    if (found.length > 0) {
      this.#remember(key, found);
      return this.#health.filter(found);
    }
    throw nobodyKnows(
      appId,
      this.#members.map((member) => ({
        name: member.name,
        reason: member.notStarted ?? answers.get(member)?.reason,
      })),
    );
  }

  /** Succeeds when one member has announced; the others announce in the background. */
  async announce(instance: Instance, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#checkRunning();
    const { appId, host, internalPort: port } = instance;
    const key = `${appId}:${port}:${host}`;
    if (this.#announced.has(key)) {
      throw new OutriggerError(`app id ${appId} already registered for port ${port}`, {
        code: "OTR_OPTIONS_INVALID",
        details: { appId, port },
      });
    }
    this.#announced.add(key);
    try {
      const failures = await this.#each((member) => member.announce(instance, signal));
      signal.throwIfAborted();
      this.#checkRunning();
      const announcers = this.#members.filter(({ resolver }) => resolver.features.announces);
      this.#judge(
        failures,
        announcers,
        "no name resolver of the chain could announce this sidecar",
      );
      for (const { member, reason } of failures) member.retryLater(reason, instance);
      this.#recent.clear();
    } catch (reason) {
      this.#announced.delete(key);
      throw reason;
    }
  }

  async withdraw(): Promise<void> {
    this.#announced.clear();
    this.#recent.clear();
    await Promise.all(this.#members.map((member) => member.withdraw()));
  }

  report(request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    if (outcome === "unreachable") {
      this.#failedAt = performance.now();
      // Another member, or the same one, may know better.
      this.#recent.delete(`${request.namespace || "default"}/${request.appId}`);
    }
    this.#health.report(endpoint, outcome);
    for (const member of this.#members) member.report(request, endpoint, outcome);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#stopped = true;
    for (const { questions } of this.#members) questions.cancelAll(stopped());
    const results = await Promise.allSettled(this.#members.map((member) => member.stop()));
    for (const result of results) {
      if (result.status === "rejected") {
        this.#context.log.log("warn", `a name resolver did not stop: ${errorText(result.reason)}`);
      }
    }
  }

  #remember(key: string, endpoints: readonly Endpoint[]): void {
    this.#recent.delete(key);
    const oldest = this.#recent.keys().next();
    if (this.#recent.size >= maxRecent && !oldest.done) this.#recent.delete(oldest.value);
    this.#recent.set(key, { until: performance.now() + recentMs, endpoints });
  }

  /** All at once. Who was slow or did not know the app is waited for only when nobody else knows. */
  async #askAll(key: string, request: ResolveRequest): Promise<ReadonlyMap<Member, Answer>> {
    const ready = this.#members.filter(({ notStarted }) => notStarted === undefined);
    const prompt = ready.filter(({ questions }) => !questions.isQuiet(key));
    const quiet = ready.filter(({ questions }) => questions.isQuiet(key));
    const answers = await this.#collect(key, request, prompt);
    if (hasEndpoints(answers)) {
      this.#askAgain(key, request, quiet);
      return answers;
    }
    return new Map([...answers, ...(await this.#collect(key, request, quiet))]);
  }

  /** One after the other, until one knows an endpoint that did not fail a moment ago. */
  async #askInOrder(key: string, request: ResolveRequest): Promise<ReadonlyMap<Member, Answer>> {
    const ready = this.#members.filter(({ notStarted }) => notStarted === undefined);
    const prompt = ready.filter(({ questions }) => !questions.isQuiet(key));
    const quiet = ready.filter(({ questions }) => questions.isQuiet(key));
    const refused = new Map<Member, Answer>();
    let failing: ReadonlyMap<Member, Answer> | undefined;
    for (const member of [...prompt, ...quiet]) {
      const answer = await member.questions.ask(key, request);
      const { endpoints } = answer;
      if (endpoints.length === 0) refused.set(member, answer);
      else if (this.#allFailed(endpoints)) failing ??= new Map([[member, answer]]);
      else {
        this.#askAgain(key, request, quiet);
        return new Map([[member, answer]]);
      }
    }
    return failing ?? refused;
  }

  async #collect(
    key: string,
    request: ResolveRequest,
    members: readonly Member[],
  ): Promise<ReadonlyMap<Member, Answer>> {
    const questions = members.map((member) => member.questions.ask(key, request));
    const collected = await collect(questions, this.#settings.settleMs);
    const answers = new Map<Member, Answer>();
    members.forEach((member, index) => {
      const answer = collected[index];
      if (answer === undefined) member.questions.markLate(key, request);
      else answers.set(member, answer);
    });
    return answers;
  }

  #askAgain(key: string, request: ResolveRequest, quiet: readonly Member[]): void {
    for (const { questions } of quiet) questions.askInBackground(key, request);
  }

  /** Everything known. Members that are late count with what they said before. */
  #union(key: string, answers: ReadonlyMap<Member, Answer>): readonly Endpoint[] {
    const merged = this.#settings.mode === "merged" && hasEndpoints(answers);
    const lists: (readonly Endpoint[])[] = [];
    for (const member of this.#members) {
      const answer = answers.get(member);
      const late = answer === undefined && merged && member.notStarted === undefined;
      const endpoints = late ? member.questions.standIn(key) : (answer?.endpoints ?? []);
      if (endpoints.length > 0) lists.push(endpoints);
    }
    return unionOf(lists);
  }

  #allFailed(endpoints: readonly Endpoint[]): boolean {
    if (performance.now() - this.#failedAt > this.#settings.retryAfterMs) return false;
    return this.#health.filter([...endpoints, nowhere]).length === 1;
  }

  /** Does the same with every member. Returns those that failed, and why. */
  async #each(
    work: (member: Member) => Promise<unknown>,
  ): Promise<readonly { readonly member: Member; readonly reason: unknown }[]> {
    const reasons = await Promise.all(this.#members.map(work));
    return this.#members.flatMap((member, index) => {
      const reason = reasons[index];
      return reason === undefined ? [] : [{ member, reason }];
    });
  }

  /** @throws OutriggerError when everybody who counts failed. */
  #judge(
    failures: readonly { readonly member: Member; readonly reason: unknown }[],
    counting: readonly Member[],
    what: string,
  ): void {
    const failed = failures.filter(({ member }) => counting.includes(member));
    if (counting.length === 0 || failed.length < counting.length) return;
    const mistake = failures.find(({ reason }) => isOutriggerError(reason, "OTR_OPTIONS_INVALID"));
    if (mistake !== undefined) throw mistake.reason;
    const texts = failures.map(({ member, reason }) => `${member.name}: ${errorText(reason)}`);
    throw new OutriggerError(`${what} (${texts.join("; ")})`, {
      code: "OTR_RESOLVE_FAILED",
      cause: failures[0]?.reason,
    });
  }

  #checkRunning(): void {
    if (this.#stopped) throw stopped();
  }
}

function hasEndpoints(answers: ReadonlyMap<Member, Answer>): boolean {
  for (const { endpoints } of answers.values()) if (endpoints.length > 0) return true;
  return false;
}

function stopped(): OutriggerError {
  return new OutriggerError("resolver-chain is stopped", { code: "OTR_STOPPED" });
}
