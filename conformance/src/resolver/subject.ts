import type { Instance, Resolver } from "@outrigger/core";

/** A resolver under test, with the controls over its backend that the cases use. */
export interface ResolverSubject {
  /** Started. Its backend holds every instance of `resolverFixture`, put there by other means. */
  readonly resolver: Resolver;
  /** Makes one more resolver with the same configuration and backend, not started. */
  readonly create?: () => Resolver;
  /** Changes what the backend holds. Leave it out when that is fixed. */
  readonly peers?: ResolverPeers;
  /** Cuts off and brings back the backend, as a restart of a registry would. */
  readonly backend?: ResolverBackend;
  /** Number of questions that the backend got so far. */
  readonly backendQueries?: () => number;
  /** Each calls the factory with a malformed configuration; expected to throw. */
  readonly malformedConfigurations?: readonly (() => unknown)[];
  /** Makes a resolver, not started, whose backend is out of reach. */
  readonly createUnreachable?: () => Resolver;
  /** Moves the wall clock of the resolver's context, in milliseconds. */
  readonly jumpClock?: (byMs: number) => void;
  /** The backend cannot hold these kinds of host. Default: all can be held. */
  readonly unsupportedHosts?: readonly ("ipv6" | "name")[];
  /** Documented times of this resolver, where they differ from the default. */
  readonly limits?: Partial<ResolverLimits>;
}

/** Other sidecars, as the backend sees them. Promises resolve when the backend has been told. */
export interface ResolverPeers {
  add(instance: Instance): Promise<void>;
  /** Takes the instance back in good order: a goodbye, a deregistration. */
  remove(instance: Instance): Promise<void>;
  /** Ends the instance without a word. */
  crash?(instance: Instance): Promise<void>;
  /** Adds an instance of the app whose data cannot be used: no port, a broken packet, ... */
  addMalformed?(appId: string): Promise<void>;
}

/** The registry or network behind a resolver. */
export interface ResolverBackend {
  interrupt(): Promise<void>;
  /** Brings it back empty: what had been registered is lost. */
  restore(): Promise<void>;
}

/** Upper bounds, in milliseconds. */
export interface ResolverLimits {
  /** An added instance is returned. Default 2000. */
  readonly appearsMs: number;
  /** A removed instance is no longer returned. Default 1000. */
  readonly disappearsMs: number;
  /** A crashed instance is no longer returned. Default 10000. */
  readonly expiresMs: number;
  /** A look-up of an unknown app has failed. Default 2000. */
  readonly unknownMs: number;
  /** An unreachable endpoint is tried again. Default 10000. */
  readonly retriesMs: number;
  /** A lost registration is back. Default 5000. */
  readonly recoversMs: number;
}

/** The subject's limits with their defaults. */
export function limitsOf(subject: ResolverSubject): ResolverLimits {
  return {
    appearsMs: 2_000,
    disappearsMs: 1_000,
    expiresMs: 10_000,
    unknownMs: 2_000,
    retriesMs: 10_000,
    recoversMs: 5_000,
    ...subject.limits,
  };
}
