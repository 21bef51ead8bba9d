import { errorText } from "@outrigger/core";
import { fetchJson } from "./fetch-json.ts";
import { localSidecars } from "./local-sidecars.ts";
import { type MeshView, mergeSnapshots } from "./merge-snapshots.ts";
import { type ConsoleSettings, maxSidecars, sidecarUrl } from "./options.ts";
import { readSnapshot, type Snapshot } from "./snapshot-schema.ts";

/** A sidecar that the console knows of. */
export interface KnownSidecar {
  readonly url: string;
  /** Empty until it answered, unless its card says so. */
  readonly appId: string;
  readonly namespace: string;
  /** Why there is nothing of it; `undefined` when it answered. */
  readonly problem?: string;
}

/** What the page shows. */
export interface MeshDocument extends MeshView {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly sidecars: readonly KnownSidecar[];
}

const requestTimeoutMs = 900;
/** Several pages that look at the same time share one reading. */
const sharedMs = 500;
/** How often others are asked for more sidecars. */
const findEveryMs = 5_000;
/** The past is left out where it would make the document large. */
const maxEdgesWithHistory = 200;

/** Reads the sidecars of the mesh; only while somebody asks. */
export class MeshWatch {
  readonly #settings: ConsoleSettings;
  #reading: { readonly startedMs: number; readonly document: Promise<MeshDocument> } | undefined;
  #found: readonly string[] = [];
  #foundAtMs = Number.NEGATIVE_INFINITY;
  #edges = 0;

  constructor(settings: ConsoleSettings) {
    this.#settings = settings;
  }

  /** The mesh as it is now, at most half a second old. */
  read(): Promise<MeshDocument> {
    const nowMs = performance.now();
    if (this.#reading === undefined || nowMs - this.#reading.startedMs > sharedMs) {
      this.#reading = { startedMs: nowMs, document: this.#readAll() };
    }
    return this.#reading.document;
  }

  /** What a sidecar tells of itself. @throws Error when it is not one of the mesh, or does not answer. */
  async describe(url: string): Promise<unknown> {
    const { sidecars } = await this.read();
    if (!sidecars.some((sidecar) => sidecar.url === url)) throw new Error("no such sidecar");
    return fetchJson({
      url: `${url}/outrigger/v1/sidecar`,
      apiToken: this.#settings.apiToken,
      timeoutMs: 3_000,
    });
  }

  async #readAll(): Promise<MeshDocument> {
    const known = await this.#list();
    const history = this.#edges <= maxEdgesWithHistory;
    const read = await Promise.all(known.map((sidecar) => this.#readOne(sidecar, history)));
    const snapshots = read.flatMap(({ snapshot }) => (snapshot === undefined ? [] : [snapshot]));
    const view = mergeSnapshots(snapshots);
    this.#edges = view.edges.length;
    return { at: Date.now(), sidecars: read.map(({ sidecar }) => sidecar), ...view };
  }

  async #list(): Promise<readonly KnownSidecar[]> {
    const { sidecars, findLocal, env } = this.#settings;
    const known = new Map<string, KnownSidecar>();
    if (findLocal) {
      for (const { appId, namespace, host, httpPort } of await localSidecars(env)) {
        const url = sidecarUrl(
          host.includes(":") ? `[${host}]:${httpPort}` : `${host}:${httpPort}`,
        );
        if (url !== undefined) known.set(url, { url, appId, namespace });
      }
    }
    for (const text of [...sidecars, ...this.#find()]) {
      const url = sidecarUrl(text);
      if (url !== undefined && !known.has(url)) known.set(url, { url, appId: "", namespace: "" });
    }
    return [...known.values()].slice(0, maxSidecars);
  }

  /** Asks in the background: a registry that is slow holds up no page. */
  #find(): readonly string[] {
    const { find } = this.#settings;
    const nowMs = performance.now();
    if (find === undefined || nowMs - this.#foundAtMs < findEveryMs) return this.#found;
    this.#foundAtMs = nowMs;
    find(AbortSignal.timeout(findEveryMs)).then(
      (found) => {
        this.#found = found;
      },
      // Those found before stay while the registry is away.
      () => undefined,
    );
    return this.#found;
  }

  async #readOne(
    sidecar: KnownSidecar,
    history: boolean,
  ): Promise<{ readonly sidecar: KnownSidecar; readonly snapshot?: Snapshot }> {
    try {
      const url = `${sidecar.url}/outrigger/v1/call-graph${history ? "?history=1" : ""}`;
      const { apiToken } = this.#settings;
      const answer = await fetchJson({ url, apiToken, timeoutMs: requestTimeoutMs });
      const snapshot = readSnapshot(answer);
      const { appId, namespace } = snapshot;
      return { sidecar: { url: sidecar.url, appId, namespace }, snapshot };
    } catch (reason) {
      return { sidecar: { ...sidecar, problem: errorText(reason) } };
    }
  }
}
