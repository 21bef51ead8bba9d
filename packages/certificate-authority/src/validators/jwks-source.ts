import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errorText, type Logger } from "@outrigger/core";
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { sendRequest } from "../http-request.ts";
import type { JwksSettings } from "./jwks-options.ts";

/** Failed fetches are repeated after this time, or sooner when the interval is shorter. */
const retryMs = 5_000;
/** An unknown key id leads to a fetch at most this often. */
const cooldownMs = 30_000;
const fileBatchMs = 100;

/** Holds the key set of a source and keeps it fresh. A source that is away delays readiness only. */
export class JwksSource {
  readonly #settings: JwksSettings;
  readonly #log: Logger;
  readonly #cancel = new AbortController();
  #keys: JWTVerifyGetKey | undefined;
  #timer: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;

  constructor(settings: JwksSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** The keys of now; `undefined` before the first set has come. */
  get keys(): JWTVerifyGetKey | undefined {
    return this.#keys;
  }

  /** @throws Error when the set is given as text, or in a file, and cannot be read. */
  async start(): Promise<void> {
    const { source } = this.#settings;
    if (source.startsWith("http://")) {
      this.#log.log("warn", "The JWKS source is not encrypted: use an https:// URL");
    }
    if (isUrl(source)) {
      await this.refresh();
      return;
    }
    const inline = inlineSet(source);
    if (inline !== undefined) {
      this.#use(inline);
      return;
    }
    this.#use(await readFile(source, "utf8"));
    this.#watcher = watch(dirname(resolve(source)), () => this.#schedule(fileBatchMs));
    this.#watcher.on("error", (reason) => {
      this.#log.log("error", `The JWKS file is not watched any more: ${errorText(reason)}`);
    });
  }

  stop(): void {
    this.#cancel.abort();
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  /** Loads the set again, unless that has just been done. @returns whether it was tried. */
  async refreshForUnknownKey(): Promise<boolean> {
    if (!isUrl(this.#settings.source)) return false;
    if (performance.now() - this.#fetchedAt < cooldownMs) return false;
    await this.refresh();
    return true;
  }

  /** Never rejects: the old set stays in use when there is no new one. */
  refresh(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    const url = isUrl(this.#settings.source);
    const { refreshIntervalMs } = this.#settings;
    try {
      this.#use(url ? await this.#fetch() : await readFile(this.#settings.source, "utf8"));
      if (url) this.#schedule(refreshIntervalMs);
    } catch (reason) {
      if (this.#cancel.signal.aborted) return;
      this.#log.log("error", `Failed to load the JWKS: ${errorText(reason)}`);
      this.#schedule(Math.min(retryMs, refreshIntervalMs));
    }
  }

  async #fetch(): Promise<string> {
    const { source, caCertificate, requestTimeoutMs } = this.#settings;
    this.#fetchedAt = performance.now();
    const { status, body } = await sendRequest({
      url: new URL(source),
      ...(caCertificate === undefined ? {} : { tls: { ca: caCertificate } }),
      timeoutMs: requestTimeoutMs,
      signal: this.#cancel.signal,
    });
    if (status !== 200) throw new Error(`${source} answered with status ${status}`);
    return body;
  }

  #use(text: string): void {
    this.#keys = createLocalJWKSet(parseSet(text));
  }

  #schedule(delayMs: number): void {
    if (this.#cancel.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), Math.min(delayMs, 2_147_483_647));
  }
}

function isUrl(source: string): boolean {
  return source.startsWith("https://") || source.startsWith("http://");
}

function parseSet(text: string): JSONWebKeySet {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && "keys" in value && Array.isArray(value.keys)) {
    return { keys: value.keys };
  }
  throw new Error("the text is no JSON Web Key Set");
}

/** The text of a set that is given in the option itself. */
function inlineSet(source: string): string | undefined {
  if (source.trimStart().startsWith("{")) return source;
  if (!/^[A-Za-z0-9+/_-]+={0,2}\s*$/.test(source)) return undefined;
  const decoded = Buffer.from(source, "base64").toString("utf8");
  return decoded.trimStart().startsWith("{") ? decoded : undefined;
}
