import {
  type ResolverSubject,
  resolverCases,
  resolverFixture,
  runCase,
} from "@outrigger/conformance";
import {
  type Endpoint,
  joinHostPort,
  OutriggerError,
  type ResolveRequest,
  type Resolver,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { delegate, memorySubject } from "./memory-resolver.ts";

type Resolve = Resolver["resolve"];
type Break = (subject: ResolverSubject) => Partial<ResolverSubject>;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Replaces the look-up of the resolver under test. */
function resolving(replace: (inner: Resolve, resolver: Resolver) => Resolve): Break {
  return ({ resolver }) => ({
    resolver: delegate(resolver, {
      resolve: replace((request, signal) => resolver.resolve(request, signal), resolver),
    }),
  });
}

/** Changes what the resolver under test answers. */
function answering(change: (found: readonly Endpoint[], request: ResolveRequest) => Endpoint[]) {
  return resolving(
    (inner) => async (request, signal) => change(await inner(request, signal), request),
  );
}

/** Replaces methods of the resolvers that `create` makes. */
function creating(overrides: (inner: Resolver) => Partial<Resolver>): Break {
  return ({ create, resolver }) => ({
    create: () => {
      const inner = create?.() ?? resolver;
      return delegate(inner, overrides(inner));
    },
  });
}

const notFound = (appId: string) =>
  new OutriggerError(`no app ${appId}`, { code: "OTR_RESOLVE_NOT_FOUND" });
const hang = () => new Promise<never>(() => undefined);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A list that is not told about removals. */
const deafToGoodbyes: Break = ({ peers }) => ({
  ...(peers && { peers: { ...peers, remove: async () => undefined } }),
});

let turn = 0;

/** For each case, one thing that is broken. */
const broken: Readonly<Record<string, Break>> = {
  "resolver/resolve/one-instance": answering(() => [{ host: "", port: 0 }]),
  "resolver/resolve/internal-port-only": answering((found) =>
    found.map(({ host, port }) => ({ host, port: port + 10_000 })),
  ),
  "resolver/resolve/all-instances": answering((found) => [...found, ...found.slice(0, 1)]),
  "resolver/resolve/same-host": answering((found) => found.slice(0, 1)),
  "resolver/resolve/complete-every-time": answering((found) => {
    const start = turn++ % found.length;
    return found.slice(start, start + 1);
  }),
  "resolver/resolve/independent-consumers": answering((found) => found.slice(turn++ % 2)),
  "resolver/resolve/deterministic": creating((inner) => ({
    resolve: async (request, signal) => (await inner.resolve(request, signal)).slice(1),
  })),
  "resolver/unknown/rejects": resolving(
    (inner) => (request, signal) => inner(request, signal).catch(() => []),
  ),
  "resolver/unknown/not-cached": resolving((inner) => {
    const missing = new Set<string>();
    return async (request, signal) => {
      if (missing.has(request.appId)) throw notFound(request.appId);
      return inner(request, signal).catch((reason: unknown) => {
        missing.add(request.appId);
        throw reason;
      });
    };
  }),
  "resolver/concurrent/cold-known": (subject) => {
    let asked = 0;
    const counted = resolving((inner) => (request, signal) => {
      asked++;
      return inner(request, signal);
    });
    return { ...counted(subject), backendQueries: () => asked };
  },
  "resolver/concurrent/no-cross-talk": resolving((inner) => {
    let shared: ReturnType<Resolve> | undefined;
    return (request, signal) => {
      shared ??= inner(request, signal);
      return shared;
    };
  }),
  "resolver/concurrent/unknown": resolving((inner) => {
    let queue: Promise<unknown> = Promise.resolve();
    return (request, signal) => {
      const mine = queue.then(() => inner(request, signal));
      queue = mine.catch(() => pause(20));
      return mine;
    };
  }),
  "resolver/abort/before": resolving(
    (inner) => (request) => inner(request, new AbortController().signal),
  ),
  "resolver/abort/during": resolving(
    (inner) => (request, signal) =>
      inner(request, signal).catch((reason: unknown) =>
        signal.aborted ? hang() : Promise.reject(reason),
      ),
  ),
  "resolver/abort/deadline": resolving((inner) => async (request) => {
    await pause(500);
    return inner(request, new AbortController().signal);
  }),
  "resolver/id/exact-match": resolving(
    (inner) => (request, signal) =>
      inner({ ...request, appId: request.appId.toLowerCase() }, signal),
  ),
  "resolver/id/unusual": resolving(
    (inner) => (request, signal) =>
      inner({ ...request, appId: decodeURIComponent(request.appId) }, signal),
  ),
  "resolver/namespace/isolation": resolving(
    (inner) => (request, signal) => inner({ ...request, namespace: "default" }, signal),
  ),
  "resolver/namespace/ignored": ({ resolver }) => ({
    resolver: delegate(resolver, { features: { ...resolver.features, namespaces: false } }),
  }),
  "resolver/namespace/empty": resolving((inner) => async (request, signal) => {
    if (request.namespace !== "") return inner(request, signal);
    const all = ["default", "other"].map((namespace) => inner({ ...request, namespace }, signal));
    return (await Promise.all(all)).flat();
  }),
  "resolver/address/ipv6": answering((found) =>
    found.map(({ host, port }) => ({ host: `[${host}]`, port })),
  ),
  "resolver/address/host-name": resolving((inner) => async (request, signal) => {
    const found = await inner(request, signal);
    if (found.some(({ host }) => host.includes("invalid"))) throw notFound(request.appId);
    return found;
  }),
  "resolver/backend/malformed-data": (subject) => {
    let spoilt = false;
    const failing = resolving((inner) => async (request, signal) => {
      if (spoilt) throw new TypeError("cannot read port of undefined");
      return inner(request, signal);
    });
    const { peers } = subject;
    const addMalformed = async () => {
      spoilt = true;
    };
    return { ...failing(subject), ...(peers && { peers: { ...peers, addMalformed } }) };
  },
  "resolver/change/added-instance-appears": resolving((inner) => {
    const first = new Map<string, ReturnType<Resolve>>();
    return (request, signal) => {
      const known = first.get(request.appId) ?? inner(request, signal);
      first.set(request.appId, known);
      return known;
    };
  }),
  "resolver/change/removed-instance-disappears": deafToGoodbyes,
  "resolver/change/crashed-instance-expires": ({ peers }) => ({
    ...(peers && { peers: { ...peers, crash: async () => undefined } }),
  }),
  "resolver/change/restart-on-new-port": deafToGoodbyes,
  "resolver/change/address-taken-over": ({ resolver, peers }) => {
    const stale = { host: "127.0.0.1", port: 22_051 };
    const resolve: Resolve = async (request, signal) =>
      request.appId === "first" ? [stale] : resolver.resolve(request, signal);
    return { resolver: delegate(resolver, { resolve }), ...(peers && { peers }) };
  },
  "resolver/change/clock-jump": (subject) => {
    let jumped = false;
    const failing = resolving((inner) => async (request, signal) => {
      if (jumped) throw notFound(request.appId);
      return inner(request, signal);
    });
    const jumpClock = () => {
      jumped = true;
    };
    return { ...failing(subject), jumpClock };
  },
  "resolver/feedback/avoids-unreachable": ({ resolver }) => ({
    resolver: delegate(resolver, { report: () => undefined }),
  }),
  "resolver/feedback/last-endpoint-stays": ({ resolver }) => {
    const failed = new Set<string>();
    return {
      resolver: delegate(resolver, {
        report: (_request, { host, port }) => void failed.add(joinHostPort(host, port)),
        resolve: async (request, signal) => {
          const found = await resolver.resolve(request, signal);
          const left = found.filter(({ host, port }) => !failed.has(joinHostPort(host, port)));
          if (left.length === 0) throw notFound(request.appId);
          return left;
        },
      }),
    };
  },
  "resolver/feedback/retried-later": ({ resolver }) => ({
    resolver: delegate(resolver, {
      report: (request, endpoint) => resolver.report?.(request, endpoint, "unreachable"),
    }),
  }),
  "resolver/announce/own-id": creating(() => ({ announce: async () => undefined })),
  "resolver/announce/found-by-others": creating(() => ({ announce: async () => undefined })),
  "resolver/announce/rejects-incomplete": creating(() => ({ announce: async () => undefined })),
  "resolver/announce/twice-rejects": creating((inner) => ({
    announce: async (instance, signal) => {
      await inner.announce?.(instance, signal).catch(() => undefined);
    },
  })),
  "resolver/announce/withdraw": creating(() => ({ withdraw: async () => undefined })),
  "resolver/announce/gone-after-stop": creating(() => ({ stop: async () => undefined })),
  "resolver/announce/survives-backend-restart": ({ backend, create, resolver }) => ({
    ...(backend && { backend: { ...backend, restore: backend.interrupt } }),
    create: () => create?.() ?? resolver,
  }),
  "resolver/options/rejects-malformed": () => ({ malformedConfigurations: [() => undefined] }),
  "resolver/lifecycle/start-idempotent": creating((inner) => {
    let starts = 0;
    return {
      start: async (signal) => {
        if (++starts > 1) throw new Error("already started");
        await inner.start?.(signal);
      },
    };
  }),
  "resolver/lifecycle/stop-idempotent": ({ resolver }) => ({
    resolver: delegate(resolver, { stop: async () => undefined }),
  }),
  "resolver/lifecycle/stop-ends-lookups": resolving(() => hang),
  "resolver/lifecycle/no-leaks": creating((inner) => ({
    start: async (signal) => {
      // Several, so that a timer of another test that ends meanwhile does not make up for one.
      for (let count = 0; count < 10; count++) {
        const timer = setInterval(() => undefined, 60_000);
        cleanups.push(() => clearInterval(timer));
      }
      await inner.start?.(signal);
    },
  })),
  "resolver/backend/unreachable": ({ resolver }) => ({
    createUnreachable: () =>
      delegate(resolver, { resolve: async ({ appId }) => Promise.reject(notFound(appId)) }),
  }),
  "resolver/backend/recovers": (subject) => {
    let lost = false;
    const failing = resolving((inner) => async (request, signal) => {
      if (lost) throw new OutriggerError("still away", { code: "OTR_RESOLVE_FAILED" });
      return inner(request, signal);
    });
    const { backend } = subject;
    const interrupt = async () => {
      lost = true;
    };
    return { ...failing(subject), ...(backend && { backend: { ...backend, interrupt } }) };
  },
};

async function started(change: Break = () => ({})) {
  const good = memorySubject(resolverFixture);
  await good.resolver.start?.(new AbortController().signal);
  const subject: ResolverSubject = { ...good, ...change(good) };
  return { subject, teardown: () => good.resolver.stop?.() };
}

test("every case has a counter-example and every counter-example a case", () => {
  expect(Object.keys(broken).sort()).toEqual(resolverCases.map(({ id }) => id).sort());
});

test.for(resolverCases)("$id passes a resolver that does everything right", async (testCase) => {
  const result = await runCase(testCase, () => started());

  expect(result.failure).toBeUndefined();
});

test.for(resolverCases)("$id catches a broken resolver", async (testCase) => {
  const result = await runCase(testCase, () => started(broken[testCase.id]), { timeoutMs: 3_000 });

  expect(result.outcome).toBe("failed");
});
