import {
  type BalancedCall,
  type Balancer,
  type BalancerSnapshot,
  includesEndpoint,
} from "../balancer.ts";
import { type BodyStream, type InvokeResponse, isBuffered } from "../call.ts";
import { joinHostPort } from "../host-port.ts";
import type { ProxyResponse } from "../proxy.ts";
import type { Endpoint, ResolveRequest } from "../resolver.ts";

/** Targets whose turn is remembered. The oldest is forgotten first, and begins a new round then. */
const maxTargets = 4_096;

const never = (): number => 0;

/** The state behind a balancer: whose turn it is, and how many calls are under way where. */
export class EndpointPicker {
  readonly #balancer: Balancer;
  readonly #turns = new Map<string, number>();
  readonly #inFlight: Map<string, number> | undefined;
  readonly #count: (endpoint: Endpoint) => number;

  constructor(balancer: Balancer) {
    this.#balancer = balancer;
    const inFlight = balancer.countsCalls ? new Map<string, number>() : undefined;
    this.#inFlight = inFlight;
    this.#count = inFlight === undefined ? never : (endpoint) => inFlight.get(keyOf(endpoint)) ?? 0;
  }

  /**
   * @param endpoints never empty.
   * @param tried endpoints that have had this call; avoided while another one is left. Such a choice
   *   takes no turn: of two instances, a sick one would get every call first otherwise.
   */
  pick(
    target: ResolveRequest,
    endpoints: readonly Endpoint[],
    tried: readonly Endpoint[],
    call: BalancedCall,
  ): Endpoint {
    const isFirst = tried.length === 0;
    const snapshot: BalancerSnapshot = {
      target,
      endpoints: isFirst ? endpoints : untried(endpoints, tried),
      turn: isFirst ? this.#nextTurn(target) : this.#turnOf(target),
      inFlight: this.#count,
    };
    return this.#balancer.select(snapshot, call);
  }

  /** Runs an attempt, counted as under way until its answer has been read to the end. */
  during(
    endpoint: Endpoint,
    signal: AbortSignal,
    attempt: () => Promise<InvokeResponse>,
  ): Promise<InvokeResponse> {
    if (this.#inFlight === undefined) return attempt();
    return counted(begin(this.#inFlight, endpoint), signal, attempt);
  }

  /** Opens a proxied call, counted as under way until it has ended. */
  async duringProxy(
    endpoint: Endpoint,
    open: () => Promise<ProxyResponse>,
  ): Promise<ProxyResponse> {
    if (this.#inFlight === undefined) return open();
    const release = begin(this.#inFlight, endpoint);
    try {
      const response = await open();
      void response.ended.then(release);
      return response;
    } catch (reason) {
      release();
      throw reason;
    }
  }

  #turnOf({ namespace, appId }: ResolveRequest): number {
    return this.#turns.get(`${namespace}/${appId}`) ?? 0;
  }

  #nextTurn(target: ResolveRequest): number {
    const key = `${target.namespace}/${target.appId}`;
    const turn = this.#turnOf(target);
    if (turn === 0 && this.#turns.size >= maxTargets) forgetOldest(this.#turns);
    this.#turns.set(key, turn >= Number.MAX_SAFE_INTEGER ? 0 : turn + 1);
    return turn;
  }
}

function keyOf({ host, port }: Endpoint): string {
  return joinHostPort(host, port);
}

/** Counts a call as under way until the returned function is called; more often does no harm. */
function begin(inFlight: Map<string, number>, endpoint: Endpoint): () => void {
  const key = keyOf(endpoint);
  inFlight.set(key, (inFlight.get(key) ?? 0) + 1);
  let released = false;
  return () => {
    if (released) return;
    released = true;
    const left = (inFlight.get(key) ?? 1) - 1;
    if (left > 0) inFlight.set(key, left);
    else inFlight.delete(key);
  };
}

function untried(endpoints: readonly Endpoint[], tried: readonly Endpoint[]): readonly Endpoint[] {
  const left = endpoints.filter((endpoint) => !includesEndpoint(tried, endpoint));
  return left.length === 0 ? endpoints : left;
}

async function counted(
  release: () => void,
  signal: AbortSignal,
  attempt: () => Promise<InvokeResponse>,
): Promise<InvokeResponse> {
  try {
    const response = await attempt();
    if (isBuffered(response.body)) {
      release();
      return response;
    }
    // A caller that leaves before it has read anything ends nothing else.
    signal.addEventListener("abort", release, { once: true });
    return { ...response, body: new CountedBody(response.body, release) };
  } catch (reason) {
    release();
    throw reason;
  }
}

/** Passes a body on and says once when it has ended, however it ends. */
class CountedBody implements BodyStream {
  readonly #source: BodyStream;
  readonly #ended: () => void;

  constructor(source: BodyStream, ended: () => void) {
    this.#source = source;
    this.#ended = ended;
  }

  // Not a generator: ending one before its first step would end neither the count nor the source.
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const iterator = this.#source[Symbol.asyncIterator]();
    return {
      next: () => this.#watch(iterator.next()),
      return: () => {
        this.#ended();
        return iterator.return?.() ?? Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  async #watch(step: Promise<IteratorResult<Uint8Array>>): Promise<IteratorResult<Uint8Array>> {
    try {
      const result = await step;
      if (result.done) this.#ended();
      return result;
    } catch (reason) {
      this.#ended();
      throw reason;
    }
  }
}

function forgetOldest(turns: Map<string, number>): void {
  for (const key of turns.keys()) {
    turns.delete(key);
    return;
  }
}
