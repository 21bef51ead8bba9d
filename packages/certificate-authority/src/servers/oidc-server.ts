import { readFile } from "node:fs/promises";
import { errorText, type Logger } from "@outrigger/core";
import { type OidcSettings, oidcHandler, type PublishedKeys } from "./oidc.ts";
import { type Listen, SmallHttpServer } from "./small-http-server.ts";

/** A discovery server: what it tells and where it listens. */
export interface OidcServerSettings extends OidcSettings {
  readonly listen: Listen;
  /** PEM files; they may appear later and change. Absent: plain HTTP. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined;
}

/** How often files are looked at, as in Dapr. */
const pollMs = 5_000;

/** Serves discovery; under TLS it opens its port when the certificate files are there. */
export class OidcServer {
  readonly #settings: OidcServerSettings;
  readonly #log: Logger;
  readonly #keys: () => PublishedKeys | undefined;
  #server: SmallHttpServer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pair: { cert: string; key: string } | undefined;
  #ready = false;
  #stopped = false;

  constructor(settings: OidcServerSettings, keys: () => PublishedKeys | undefined, log: Logger) {
    this.#settings = settings;
    this.#keys = keys;
    this.#log = log;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** @returns the port; `undefined` while certificate files are missing. */
  async start(): Promise<number | undefined> {
    if (this.#settings.tls === undefined) return this.#open();
    const port = await this.#refresh();
    this.#poll();
    return port;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ready = false;
    clearTimeout(this.#timer);
    await this.#server?.close();
  }

  #poll(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#refresh().then(
        () => this.#poll(),
        (reason: unknown) => {
          this.#log.log("error", `OIDC server: ${errorText(reason)}`);
          this.#poll();
        },
      );
    }, pollMs);
  }

  async #refresh(): Promise<number | undefined> {
    const pair = await this.#readPair();
    if (pair === undefined || this.#stopped) return undefined;
    if (pair.cert === this.#pair?.cert && pair.key === this.#pair.key) return undefined;
    if (this.#server !== undefined) {
      // A pair that does not fit throws here, and the old one stays in use.
      this.#server.renewTls(pair);
      this.#pair = pair;
      return undefined;
    }
    const port = await this.#open(pair);
    this.#pair = pair;
    return port;
  }

  async #open(pair?: { cert: string; key: string }): Promise<number> {
    const handler = oidcHandler(this.#settings, this.#keys, pair !== undefined);
    const server = new SmallHttpServer("OIDC", handler, pair);
    const port = await server.listen(this.#settings.listen);
    this.#server = server;
    this.#ready = true;
    return port;
  }

  async #readPair(): Promise<{ cert: string; key: string } | undefined> {
    const { tls } = this.#settings;
    if (tls === undefined) return undefined;
    try {
      const [cert, key] = await Promise.all([
        readFile(tls.certFile, "utf8"),
        readFile(tls.keyFile, "utf8"),
      ]);
      return { cert, key };
    } catch (reason) {
      this.#log.log("warn", `Waiting for the OIDC server's certificate: ${errorText(reason)}`);
      return undefined;
    }
  }
}
