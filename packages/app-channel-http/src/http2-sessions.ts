import type { ClientHttp2Session } from "node:http2";
import { abortError } from "@outrigger/core";
import { dialHttp2 } from "./http2-dial.ts";
import type { ChannelSettings } from "./options.ts";

/** A session with room for one more stream, which the holder gives back. */
export interface Lease {
  readonly session: ClientHttp2Session;
  /** Whether the app has said that it will not answer a stream. */
  isRefused(streamId: number | undefined): boolean;
  /** Calling it again does nothing. */
  release(): void;
}

interface Entry {
  readonly session: ClientHttp2Session;
  streams: number;
  /** The last stream that the app answers, once it sent GOAWAY. */
  lastStreamId: number;
}

interface Waiter {
  readonly resolve: (lease: Lease) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * Sessions to the app: one, and more only while the app's limit of concurrent streams is reached.
 * One dial at a time; requests without room wait in order, as long as their callers do.
 */
export class Http2Sessions {
  readonly #settings: ChannelSettings;
  readonly #waiting: Set<Waiter> = new Set();
  /** Sessions that take requests. Those that only end what they have are not in it. */
  readonly #usable: Set<Entry> = new Set();
  readonly #all: Set<ClientHttp2Session> = new Set();
  #dialing = false;
  #closed = false;

  constructor(settings: ChannelSettings) {
    this.#settings = settings;
  }

  /** @throws why no session came about; the signal's reason. */
  async acquire(signal: AbortSignal): Promise<Lease> {
    if (signal.aborted) throw abortError(signal);
    if (this.#closed) throw closedError();
    const entry = this.#waiting.size === 0 ? this.#withRoom() : undefined;
    if (entry !== undefined) return this.#lease(entry);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiter);
        reject(abortError(signal));
      };
      const waiter: Waiter = {
        resolve: (lease) => {
          signal.removeEventListener("abort", onAbort);
          resolve(lease);
        },
        reject: (reason) => {
          signal.removeEventListener("abort", onAbort);
          reject(reason);
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(waiter);
      this.#serve();
    });
  }

  /** Ends everything at once. */
  close(): void {
    this.#closed = true;
    this.#failWaiters(closedError());
    for (const session of this.#all) session.destroy();
  }

  #withRoom(): Entry | undefined {
    for (const entry of this.#usable) {
      const { session } = entry;
      // A session that has just been lost tells its streams first.
      if (session.closed || session.destroyed) this.#usable.delete(entry);
      else if (entry.streams < roomOf(session)) return entry;
    }
    return undefined;
  }

  #lease(entry: Entry): Lease {
    entry.streams += 1;
    let held = true;
    return {
      session: entry.session,
      isRefused: (streamId) => streamId === undefined || streamId > entry.lastStreamId,
      release: () => {
        if (!held) return;
        held = false;
        entry.streams -= 1;
        this.#serve();
      },
    };
  }

  /** Gives room to those who wait and dials when there is not enough of it. */
  #serve(): void {
    for (const waiter of this.#waiting) {
      const entry = this.#withRoom();
      if (entry === undefined) break;
      this.#waiting.delete(waiter);
      waiter.resolve(this.#lease(entry));
    }
    const mayDial = !this.#dialing && !this.#closed;
    if (this.#waiting.size > 0 && mayDial && this.#all.size < this.#settings.maxConnections) {
      this.#dial();
    }
  }

  #dial(): void {
    this.#dialing = true;
    dialHttp2(this.#settings)
      .then(
        (session) => this.#add(session),
        (reason: Error) => this.#failWaiters(reason),
      )
      .finally(() => {
        this.#dialing = false;
        this.#serve();
      });
  }

  #add(session: ClientHttp2Session): void {
    if (this.#closed || session.destroyed) {
      session.destroy();
      this.#failWaiters(closedError());
      return;
    }
    const entry: Entry = { session, streams: 0, lastStreamId: Number.POSITIVE_INFINITY };
    this.#usable.add(entry);
    this.#all.add(session);
    session.on("goaway", (_code: number, lastStreamId: number) => {
      entry.lastStreamId = lastStreamId;
      this.#usable.delete(entry);
    });
    // The app may allow more streams later.
    session.on("remoteSettings", () => this.#serve());
    session.setTimeout(this.#settings.idleTimeoutMs, () => {
      if (entry.streams > 0) return;
      this.#usable.delete(entry);
      session.close();
    });
    session.once("close", () => {
      this.#usable.delete(entry);
      this.#all.delete(session);
      this.#serve();
    });
  }

  #failWaiters(reason: Error): void {
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      waiter.reject(reason);
    }
  }
}

/** With a limit of 0 one request waits in the session until the app permits it. */
function roomOf(session: ClientHttp2Session): number {
  return Math.max(1, session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY);
}

function closedError(): Error {
  return new Error("the app channel is closed");
}
