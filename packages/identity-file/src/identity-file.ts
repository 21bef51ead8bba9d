import {
  type ComponentContext,
  type ComponentFactory,
  errorText,
  type Svid,
  type WorkloadIdentity,
} from "@outrigger/core";
import {
  type FileWatch,
  RotatingSvid,
  readTrustAnchors,
  watchFiles,
  watchTrustAnchors,
} from "@outrigger/spiffe";
import { type IdentityFileOptions, parseIdentityOptions } from "./options.ts";
import { readCertificate } from "./read-certificate.ts";

/**
 * A workload certificate from files that something else keeps fresh, for example a SPIFFE helper or
 * cert-manager. Replaced files are taken over when certificate, key and anchors fit together; until
 * then the old certificate stays in use.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function identityFile(options: IdentityFileOptions): ComponentFactory<WorkloadIdentity> {
  const parsed = parseIdentityOptions(options);
  return (context) => new IdentityFile(parsed, context);
}

class IdentityFile implements WorkloadIdentity {
  readonly name = "identity-file";
  readonly #options: Required<IdentityFileOptions>;
  readonly #context: ComponentContext;
  readonly #svid: RotatingSvid;
  #watches: readonly FileWatch[] = [];
  #loading: Promise<void> = Promise.resolve();

  constructor(options: Required<IdentityFileOptions>, context: ComponentContext) {
    this.#options = options;
    this.#context = context;
    this.#svid = new RotatingSvid(this.name, (reason) => {
      context.log.log("error", `taking over a new certificate failed: ${errorText(reason)}`);
    });
  }

  current(): Svid {
    return this.#svid.current();
  }

  onRotate(listener: (svid: Svid) => void): () => void {
    return this.#svid.onRotate(listener);
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#watches.length > 0) return;
    signal.throwIfAborted();
    await this.#load();
    const { certificateFile, keyFile, trustAnchors, watchIntervalMs } = this.#options;
    const reload = (): void => {
      this.#loading = this.#loading.then(() => this.#reload());
    };
    this.#watches = [
      watchFiles([certificateFile, keyFile], reload, watchIntervalMs),
      watchTrustAnchors(trustAnchors, reload, watchIntervalMs),
    ];
  }

  async stop(): Promise<void> {
    for (const watch of this.#watches) watch.stop();
    this.#watches = [];
    await this.#loading;
  }

  async #load(): Promise<void> {
    const { appId, namespace, now } = this.#context;
    const { certificateFile, keyFile } = this.#options;
    const trustAnchors = await readTrustAnchors(this.#options.trustAnchors);
    const files = { certificateFile, keyFile, trustAnchors };
    const received = await readCertificate({ ...files, appId, namespace, nowMs: now() });
    this.#svid.setTrustAnchors(trustAnchors);
    this.#svid.setCertificate(received);
  }

  async #reload(): Promise<void> {
    const { log } = this.#context;
    try {
      await this.#load();
      const until = new Date(this.current().expiresAtMs).toISOString();
      log.log("info", `workload certificate reloaded, valid until ${until}`);
    } catch (reason) {
      log.log("error", `the workload certificate stays as it was: ${errorText(reason)}`);
    }
  }
}
