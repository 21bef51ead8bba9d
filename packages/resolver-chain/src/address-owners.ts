import { type Endpoint, joinHostPort, type Logger } from "@outrigger/core";
import { sameEndpoints } from "./union.ts";

/** Most addresses remembered; the oldest goes first. */
const maxAddresses = 16_384;
/** A claim that was not repeated in this time is no claim any more. */
const claimMs = 60_000;

/** An answer that is the same is judged again after this time. */
const rejudgeMs = 1_000;

interface KnownAnswer {
  readonly at: number;
  readonly given: readonly Endpoint[];
  readonly kept: readonly Endpoint[];
  readonly version: number;
}

interface Claim {
  readonly app: string;
  /** When the app got the address; `undefined` when it had it at the first answer. */
  readonly since: number | undefined;
  seenAt: number;
}

/**
 * Who has an address. A port that changed hands is reported for two apps for a while, because some
 * registries are late; the app that got it last has it. Where nothing tells who was last, nobody is
 * sent away.
 */
export class AddressOwners {
  readonly #log: Logger;
  readonly #claims = new Map<string, readonly Claim[]>();
  readonly #answers = new Map<string, KnownAnswer>();
  /** Changes when any address gets one more app. */
  #version = 0;
  readonly #told = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Leaves out addresses that another app has got since. */
  filter(app: string, endpoints: readonly Endpoint[]): readonly Endpoint[] {
    const now = performance.now();
    const before = this.#answers.get(app);
    // On the way of every call: what was judged a moment ago is not judged again.
    if (
      before !== undefined &&
      before.version === this.#version &&
      now - before.at <= rejudgeMs &&
      sameEndpoints(before.given, endpoints)
    ) {
      return before.kept.length === before.given.length ? endpoints : before.kept;
    }
    const hadAnswer = before !== undefined && now - before.at <= claimMs;
    const kept = endpoints.filter((endpoint) => {
      const address = joinHostPort(endpoint.host, endpoint.port);
      return !this.#lost(app, address, this.#claim(app, address, now, hadAnswer), now);
    });
    this.#answers.delete(app);
    dropOldest(this.#answers);
    this.#answers.set(app, { at: now, given: endpoints, kept, version: this.#version });
    return kept;
  }

  #claim(app: string, address: string, now: number, hadAnswer: boolean): Claim {
    const claims = this.#claims.get(address) ?? [];
    const own = claims.find((claim) => claim.app === app && now - claim.seenAt <= claimMs);
    if (own !== undefined) {
      own.seenAt = now;
      return own;
    }
    const claim: Claim = { app, since: hadAnswer ? now : undefined, seenAt: now };
    if (claims.length > 0) this.#version += 1;
    const others = claims.filter((other) => other.app !== app && now - other.seenAt <= claimMs);
    this.#claims.delete(address);
    dropOldest(this.#claims);
    this.#claims.set(address, [...others, claim].slice(-8));
    return claim;
  }

  #lost(app: string, address: string, own: Claim, now: number): boolean {
    const claims = this.#claims.get(address) ?? [];
    if (claims.length < 2) return false;
    const rivals = claims.filter((claim) => claim.app !== app && now - claim.seenAt <= claimMs);
    if (rivals.length === 0) return false;
    // Where both had it at the first answer, there is no telling.
    const newest = Math.max(...rivals.map(({ since }) => since ?? 0));
    const sinceOwn = own.since ?? 0;
    const pair = [app, ...rivals.map((claim) => claim.app)].sort().join(" and for ");
    const last = sinceOwn > newest ? app : rivals.find(({ since }) => (since ?? 0) > sinceOwn)?.app;
    const verdict = last === undefined ? "used for both" : `used for ${last}, which got it last`;
    this.#tell(`${address} is reported for ${pair}; ${verdict}`);
    return last !== undefined && last !== app;
  }

  #tell(text: string): void {
    if (this.#told.has(text)) return;
    if (this.#told.size >= 256) this.#told.clear();
    this.#told.add(text);
    this.#log.log("warn", `name resolution: ${text}`);
  }
}

function dropOldest(map: Map<string, unknown>): void {
  if (map.size < maxAddresses) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
