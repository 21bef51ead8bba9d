import type { IdentitySubject, Misissue } from "@outrigger/conformance";
import { OutriggerError, type Svid, type WorkloadIdentity } from "@outrigger/core";
import { leafUsage, TestAuthority } from "../../packages/spiffe/test/certificates.ts";

/** A source that does everything right, in memory. */
export class RightSource implements WorkloadIdentity {
  readonly name = "right-source";
  readonly #refusal: Misissue | undefined;
  readonly #first: Svid;
  readonly #listeners = new Set<(svid: Svid) => void>();
  #svid: Svid | undefined;

  constructor(first: Svid, refusal?: Misissue) {
    this.#first = first;
    this.#refusal = refusal;
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#refusal !== undefined) {
      throw new OutriggerError(this.#refusal, { code: "OTR_IDENTITY_REFUSED" });
    }
    this.#svid = this.#first;
  }

  async stop(): Promise<void> {
    this.#listeners.clear();
  }

  current(): Svid {
    if (this.#svid !== undefined) return this.#svid;
    throw new OutriggerError("no certificate yet", { code: "OTR_NOT_STARTED" });
  }

  onRotate(listener: (svid: Svid) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  rotate(svid: Svid): void {
    this.#svid = svid;
    for (const listener of this.#listeners) {
      try {
        listener(svid);
      } catch {
        // The others are told all the same.
      }
    }
  }
}

const roots = TestAuthority.create();

const issue = async (): Promise<Svid> => (await roots).issue("orders", "shop");

/** A subject that passes every case. */
export async function identitySubject(): Promise<IdentitySubject & { identity: RightSource }> {
  const first = await issue();
  const identity = new RightSource(first);
  await identity.start(new AbortController().signal);
  return {
    identity,
    create: () => new RightSource(first),
    expected: { appId: "orders", namespace: "shop" },
    rotate: async () => identity.rotate(await issue()),
    addAnchor: async () => {
      const trustAnchors = `${(await roots).pem}\n${(await TestAuthority.create()).pem}`;
      identity.rotate({ ...identity.current(), trustAnchors });
      return trustAnchors;
    },
    interrupt: async () => undefined,
    createMisissued: (kind) => new RightSource(first, kind),
    logged: () => "",
  };
}

type Subject = Awaited<ReturnType<typeof identitySubject>>;
type Fault = (subject: Subject) => Promise<IdentitySubject>;

/** The source gives something else than it should. */
function gives(change: (svid: Svid) => Promise<Partial<Svid>> | Partial<Svid>): Fault {
  return async (subject) => {
    const svid = subject.identity.current();
    subject.identity.rotate({ ...svid, ...(await change(svid)) });
    return subject;
  };
}

/** One method of the source behaves differently. */
function behaves(change: (identity: RightSource) => Partial<WorkloadIdentity>): Fault {
  return async (subject) => {
    const { identity } = subject;
    const broken: WorkloadIdentity = {
      name: identity.name,
      start: (signal) => identity.start(signal),
      stop: () => identity.stop(),
      current: () => identity.current(),
      onRotate: (listener) => identity.onRotate(listener),
      ...change(identity),
    };
    return { ...subject, identity: broken };
  };
}

/** Starts although it was given up. */
class Careless extends RightSource {
  override start(): Promise<void> {
    return super.start(new AbortController().signal);
  }
}

const takesAll: Fault = async (subject) => ({ ...subject, createMisissued: subject.create });

/** For each case a source that it must catch. */
export const identityFaults: Readonly<Record<string, Fault>> = {
  "identity/svid/names-the-app": gives(async () => (await roots).issue("other", "shop")),
  "identity/svid/key-fits": gives(async () => ({ privateKey: (await issue()).privateKey })),
  "identity/svid/no-authority": gives(async () =>
    (await roots).issue("orders", "shop", { isCa: true, usage: leafUsage.keyCertSign }),
  ),
  "identity/svid/descends-from-anchors": gives(async () => ({
    trustAnchors: (await TestAuthority.create()).pem,
  })),
  "identity/svid/times": gives(({ expiresAtMs }) => ({ expiresAtMs: expiresAtMs + 60_000 })),
  "identity/lifecycle/not-started": async (subject) => ({
    ...subject,
    create: () => subject.identity,
  }),
  "identity/lifecycle/aborted-start": async (subject) => ({
    ...subject,
    create: () => new Careless(subject.identity.current()),
  }),
  "identity/lifecycle/stop-twice": behaves((identity) => {
    let stops = 0;
    return {
      stop: async () => {
        stops += 1;
        if (stops > 1) throw new Error("stopped already");
        await identity.stop();
      },
    };
  }),
  "identity/rotation/new-certificate": async (subject) => ({
    ...subject,
    rotate: async () => subject.identity.rotate(subject.identity.current()),
  }),
  "identity/rotation/listener-throws": behaves((identity) => {
    const listeners: ((svid: Svid) => void)[] = [];
    identity.onRotate((svid) => {
      for (const listener of listeners) listener(svid);
    });
    return {
      onRotate: (listener) => {
        listeners.push(listener);
        return () => undefined;
      },
    };
  }),
  "identity/rotation/unsubscribe": behaves((identity) => ({
    onRotate: (listener) => {
      identity.onRotate(listener);
      return () => undefined;
    },
  })),
  "identity/rotation/anchors": async (subject) => ({
    ...subject,
    addAnchor: async () => {
      subject.identity.rotate(subject.identity.current());
      return "another bundle";
    },
  }),
  "identity/rotation/source-away": async (subject) => ({
    ...subject,
    interrupt: async () => subject.identity.rotate(await issue()),
  }),
  "identity/refusal/other-app": takesAll,
  "identity/refusal/other-namespace": takesAll,
  "identity/refusal/other-key": takesAll,
  "identity/refusal/foreign-root": takesAll,
  "identity/refusal/expired": takesAll,
  "identity/secrets/not-logged": async (subject) => ({
    ...subject,
    logged: () => `loaded ${subject.identity.current().privateKey}`,
  }),
};
