import { OutriggerError, type Svid } from "@outrigger/core";

/** A certificate with its key, before the anchors are known. */
export type Received = Omit<Svid, "trustAnchors">;

/** Holds the certificate and the anchors of now, and tells listeners about each change. */
export class RotatingSvid {
  readonly #owner: string;
  readonly #listeners: Set<(svid: Svid) => void> = new Set();
  readonly #onListenerError: (reason: unknown) => void;
  #received: Received | undefined;
  #trustAnchors = "";
  #current: Svid | undefined;

  /** @param onListenerError gets what a listener threw; the others are told all the same. */
  constructor(owner: string, onListenerError: (reason: unknown) => void) {
    this.#owner = owner;
    this.#onListenerError = onListenerError;
  }

  get trustAnchors(): string {
    return this.#trustAnchors;
  }

  /** @throws OutriggerError `OTR_NOT_STARTED` before the first certificate. */
  current(): Svid {
    if (this.#current !== undefined) return this.#current;
    throw new OutriggerError(`${this.#owner} has no certificate yet`, { code: "OTR_NOT_STARTED" });
  }

  /** Returns the function that ends the subscription. */
  onRotate(listener: (svid: Svid) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setTrustAnchors(pem: string): void {
    if (pem === this.#trustAnchors) return;
    this.#trustAnchors = pem;
    this.#renew();
  }

  setCertificate(received: Received): void {
    this.#received = received;
    this.#renew();
  }

  #renew(): void {
    if (this.#received === undefined || this.#trustAnchors === "") return;
    const isFirst = this.#current === undefined;
    const svid: Svid = { ...this.#received, trustAnchors: this.#trustAnchors };
    this.#current = svid;
    if (isFirst) return;
    for (const listener of this.#listeners) {
      try {
        listener(svid);
      } catch (reason) {
        this.#onListenerError(reason);
      }
    }
  }
}
