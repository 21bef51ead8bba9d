import { readFile } from "node:fs/promises";
import {
  type ComponentContext,
  type ComponentFactory,
  errorText,
  OutriggerError,
  type Svid,
  type WorkloadIdentity,
} from "@outrigger/core";
import { tokenValidator } from "@outrigger/protocol";
import {
  type FileWatch,
  formatSpiffeId,
  parseTrustDomain,
  type Received,
  RotatingSvid,
  readTrustAnchors,
  watchTrustAnchors,
} from "@outrigger/spiffe";
import { acceptCertificate } from "./accept-certificate.ts";
import {
  type Authority,
  AuthorityAway,
  askAuthority,
  CannotSign,
  pause,
} from "./authority-client.ts";
import {
  type CertificateOutcome,
  type IdentitySentryOptions,
  type ParsedOptions,
  parseIdentityOptions,
} from "./options.ts";
import { renewalTime } from "./renewal-time.ts";
import { createSigningRequest, type KeyFamily } from "./signing-request.ts";

/** Longest sleep at once: a machine that was suspended looks at the clock soon after. */
const longestSleepMs = 60_000;

/** Pauses between attempts to reach an authority that is not there yet. */
const firstPauseMs = 200;
const longestPauseMs = 3_000;

const validatorNumbers = {
  none: tokenValidator.unknown,
  insecure: tokenValidator.insecure,
  kubernetes: tokenValidator.kubernetes,
  jwks: tokenValidator.jwks,
} as const;

/**
 * A workload certificate from Dapr's certificate authority (Sentry), renewed at half of its life.
 * `start` waits for the first one, as long as the authority cannot be reached.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function identitySentry(options: IdentitySentryOptions): ComponentFactory<WorkloadIdentity> {
  const parsed = parseIdentityOptions(options);
  return (context) => new IdentitySentry(parsed, context);
}

class IdentitySentry implements WorkloadIdentity {
  readonly name = "identity-sentry";
  readonly #options: ParsedOptions;
  readonly #context: ComponentContext;
  readonly #authority: Authority;
  readonly #svid: RotatingSvid;
  readonly #life = new AbortController();
  #keyFamily: KeyFamily = "ed25519";
  /** What the latest attempt did last: why it failed, if it did. */
  #step: Exclude<CertificateOutcome, "ready" | "renewed"> = "sign";
  #anchors: FileWatch | undefined;
  #renewing: Promise<void> | undefined;

  constructor(options: ParsedOptions, context: ComponentContext) {
    this.#options = options;
    this.#context = context;
    this.#authority = authorityOf(options);
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
    if (this.#renewing !== undefined) return;
    const source = this.#options.trustAnchors;
    this.#svid.setTrustAnchors(await readTrustAnchors(source));
    this.#anchors = watchTrustAnchors(source, () => void this.#reloadAnchors());
    const first = await this.#obtainFirst(AbortSignal.any([signal, this.#life.signal]));
    this.#svid.setCertificate(first);
    this.#options.onCertificate?.("ready");
    this.#context.log.log("info", `Security is initialized successfully: ${first.spiffeId}`);
    this.#renewing = this.#keepRenewing(first, this.#life.signal);
  }

  async stop(): Promise<void> {
    this.#life.abort();
    this.#anchors?.stop();
    await this.#renewing;
  }

  /** Waits for the authority; only its refusal ends the wait. */
  async #obtainFirst(signal: AbortSignal): Promise<Received> {
    let waitMs = firstPauseMs;
    let told = "";
    for (;;) {
      try {
        return await this.#obtain(signal);
      } catch (reason) {
        signal.throwIfAborted();
        if (!(reason instanceof AuthorityAway)) throw initialFailure(reason);
        const { address } = this.#options;
        const line = `waiting for the certificate authority at ${address}: ${reason.message}`;
        if (line !== told) this.#context.log.log("warn", line);
        told = line;
      }
      await pause(waitMs, signal);
      waitMs = Math.min(longestPauseMs, waitMs * 2);
    }
  }

  /** Never rejects: it ends with the component. */
  async #keepRenewing(first: Received, signal: AbortSignal): Promise<void> {
    const { log, now, random } = this.#context;
    let held = first;
    while (!signal.aborted) {
      try {
        await this.#sleepUntil(renewalTime(held, now(), random()), signal);
        held = await this.#renew(signal);
        this.#svid.setCertificate(held);
        this.#options.onCertificate?.("renewed");
        const until = new Date(held.expiresAtMs).toISOString();
        log.log("info", `workload certificate renewed, valid until ${until}`);
      } catch (reason) {
        if (!signal.aborted) log.log("error", `renewing failed for good: ${errorText(reason)}`);
        return;
      }
    }
  }

  /** Tries until it works; the old certificate stays in use, even when it has expired. */
  async #renew(signal: AbortSignal): Promise<Received> {
    const { log, now } = this.#context;
    for (;;) {
      try {
        return await this.#obtain(signal);
      } catch (reason) {
        signal.throwIfAborted();
        this.#options.onCertificate?.(reason instanceof AuthorityAway ? "sentry_conn" : this.#step);
        const left = this.current().expiresAtMs - now();
        const state = left > 0 ? `valid for another ${Math.round(left / 1_000)} s` : "EXPIRED";
        log.log(
          "error",
          `Error renewing the workload certificate, which is ${state}: ${errorText(reason)}`,
        );
        await pause(this.#options.retryDelayMs, signal);
      }
    }
  }

  async #obtain(signal: AbortSignal): Promise<Received> {
    try {
      return await this.#obtainFor(this.#keyFamily, signal);
    } catch (reason) {
      if (!(reason instanceof CannotSign) || this.#keyFamily === "ecdsa") throw reason;
      const received = await this.#obtainFor("ecdsa", signal);
      this.#context.log.log("info", "the certificate authority wants ECDSA keys");
      this.#keyFamily = "ecdsa";
      return received;
    }
  }

  async #obtainFor(family: KeyFamily, signal: AbortSignal): Promise<Received> {
    const { appId, namespace, now, random } = this.#context;
    const { requestedId = appId, validator, jwtAudiences, requestTimeoutMs } = this.#options;
    const { trustAnchors } = this.#svid;
    const { csr, publicKey, privateKey } = await createSigningRequest(family);
    this.#step = "sentry_token";
    const token = await this.#token();
    this.#step = "sign";
    const response = await askAuthority(
      this.#authority,
      {
        id: requestedId,
        token,
        trustDomain: "",
        namespace,
        csr: Buffer.from(csr),
        validator: validatorNumbers[validator],
        jwtAudiences,
      },
      { trustAnchors, timeoutMs: requestTimeoutMs, now, random },
      signal,
    );
    this.#step = "invalid_ts";
    const key = { publicKey, privateKey };
    const asked = { appId: requestedId, namespace, trustAnchors, jwtAudiences, nowMs: now() };
    return acceptCertificate(response, { ...asked, ...key });
  }

  async #token(): Promise<string> {
    const { tokenFile } = this.#options;
    if (tokenFile === undefined) return "";
    let token: string;
    try {
      token = await readFile(tokenFile, "utf8");
    } catch (cause) {
      const message = `cannot read the token for the certificate authority: ${errorText(cause)}`;
      throw new OutriggerError(message, { code: "OTR_IDENTITY_REFUSED", cause });
    }
    if (token !== "") return token;
    throw new OutriggerError(`the token file ${tokenFile} is empty`, {
      code: "OTR_IDENTITY_REFUSED",
    });
  }

  async #reloadAnchors(): Promise<void> {
    const { log } = this.#context;
    try {
      this.#svid.setTrustAnchors(await readTrustAnchors(this.#options.trustAnchors));
      log.log("info", "trust anchors reloaded");
    } catch (reason) {
      log.log("error", `the trust anchors stay as they were: ${errorText(reason)}`);
    }
  }

  async #sleepUntil(timeMs: number, signal: AbortSignal): Promise<void> {
    const { now } = this.#context;
    for (let left = timeMs - now(); left > 0; left = timeMs - now()) {
      await pause(Math.min(longestSleepMs, left), signal);
    }
  }
}

function authorityOf(options: ParsedOptions): Authority {
  const { address, controlPlaneTrustDomain, controlPlaneNamespace: namespace } = options;
  const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  const trustDomain = parseTrustDomain(controlPlaneTrustDomain) ?? "";
  const spiffeId = formatSpiffeId({ trustDomain, namespace, appId: "dapr-sentry" });
  if (spiffeId !== undefined) return { host, port: Number(port), spiffeId };
  throw new OutriggerError(
    `@outrigger/identity-sentry: controlPlaneNamespace: "${namespace}" cannot be part of a SPIFFE id`,
    { code: "OTR_OPTIONS_INVALID" },
  );
}

function initialFailure(reason: unknown): OutriggerError {
  return new OutriggerError(`failed to retrieve the initial identity: ${errorText(reason)}`, {
    code: "OTR_IDENTITY_REFUSED",
    cause: reason,
  });
}
