import { errorText, type Logger, OutriggerError, RpcCode } from "@outrigger/core";
import type { SignCertificateRequest, SignCertificateResponse } from "@outrigger/protocol";
import { formatSpiffeId } from "@outrigger/spiffe";
import type { Authority, IssuedLeaf } from "./authority.ts";
import { controlPlaneNames } from "./control-plane-names.ts";
import type { JwtIssuer } from "./jwt-issuer.ts";
import type { AuthorityMetrics } from "./metrics.ts";
import { publicKeyOfRequest } from "./signing-request.ts";
import { signError, type TokenValidator } from "./validators/token-validator.ts";

/** What requests are answered with. Authority and tokens are asked for at each request: they change. */
export interface SignServiceParts {
  readonly authority: () => Authority;
  readonly jwtIssuer: () => JwtIssuer | undefined;
  readonly validators: readonly TokenValidator[];
  /** Number of the validator for requests that name none; 0 = they are refused. */
  readonly defaultValidator: number;
  readonly trustDomain: string;
  readonly namespace: string;
  /** Domain of the cluster's DNS; names of control plane services end with it. */
  readonly clusterDomain: string;
  readonly workloadCertTtlMs: number;
  readonly allowedClockSkewMs: number;
  readonly metrics: AuthorityMetrics;
  readonly log: Logger;
  readonly now: () => number;
}

/** Longest list of audiences; each one costs a signature. */
const maxAudiences = 64;

/** Answers `SignCertificate`, in Dapr's order of checks (`pkg/sentry/server/server.go`). */
export class SignService {
  readonly #parts: SignServiceParts;

  constructor(parts: SignServiceParts) {
    this.#parts = parts;
  }

  /** @throws OutriggerError with the status of the call. */
  async sign(
    request: SignCertificateRequest,
    signal: AbortSignal,
  ): Promise<SignCertificateResponse> {
    const { metrics, log } = this.#parts;
    metrics.requestReceived();
    try {
      const response = await this.#answer(request, signal);
      metrics.requestSigned();
      return response;
    } catch (reason) {
      metrics.requestFailed("sign");
      log.log(
        "debug",
        `Refused a request for ${request.namespace}/${request.id}: ${errorText(reason)}`,
      );
      throw reason;
    }
  }

  async #answer(
    request: SignCertificateRequest,
    signal: AbortSignal,
  ): Promise<SignCertificateResponse> {
    const trustDomain = await this.#validate(request, signal);
    const publicKey = await this.#publicKey(request.csr);
    const spiffeId = formatSpiffeId({
      trustDomain,
      namespace: request.namespace,
      appId: request.id,
    });
    if (spiffeId === undefined) throw signError(RpcCode.INTERNAL, "failed to sign certificate");
    const authority = this.#parts.authority();
    const leaf = await this.#issue(authority, { request, publicKey, spiffeId });
    const jwts = await this.#jwts({ spiffeId, trustDomain, extra: request.jwtAudiences });
    return {
      workloadCertificate: Buffer.from(leaf.certificateChain),
      trustChainCertificates: [Buffer.from(authority.trustAnchors)],
      validUntilMs: leaf.notAfterMs,
      ...jwts,
    };
  }

  async #validate(request: SignCertificateRequest, signal: AbortSignal): Promise<string> {
    const { validators, defaultValidator } = this.#parts;
    const number = request.validator === 0 ? defaultValidator : request.validator;
    if (number === 0) {
      const message = "a validator name must be specified in this environment";
      throw signError(RpcCode.INVALID_ARGUMENT, message);
    }
    const validator = validators.find((each) => each.number === number);
    if (validator === undefined) {
      throw signError(RpcCode.INVALID_ARGUMENT, "the requested validator is not enabled");
    }
    try {
      return await validator.validate(request, signal);
    } catch (reason) {
      throw signError(RpcCode.PERMISSION_DENIED, errorText(reason), reason);
    }
  }

  async #publicKey(csr: Uint8Array): Promise<Uint8Array> {
    try {
      return await publicKeyOfRequest(csr);
    } catch (reason) {
      throw signError(RpcCode.INVALID_ARGUMENT, errorText(reason), reason);
    }
  }

  async #issue(
    authority: Authority,
    holder: { request: SignCertificateRequest; publicKey: Uint8Array; spiffeId: string },
  ): Promise<IssuedLeaf> {
    const { workloadCertTtlMs, allowedClockSkewMs, now, log } = this.#parts;
    try {
      return await authority.issue({
        publicKey: holder.publicKey,
        spiffeId: holder.spiffeId,
        dnsNames: controlPlaneNames(holder.request, this.#parts),
        nowMs: now(),
        ttlMs: workloadCertTtlMs,
        allowedClockSkewMs,
      });
    } catch (reason) {
      log.log("error", `Error signing identity: ${errorText(reason)}`);
      throw signError(RpcCode.INTERNAL, "failed to sign certificate", reason);
    }
  }

  async #jwts(holder: {
    spiffeId: string;
    trustDomain: string;
    extra: readonly string[];
  }): Promise<Pick<SignCertificateResponse, "jwt" | "perAudienceJwts">> {
    const issuer = this.#parts.jwtIssuer();
    const perAudienceJwts = new Map<string, string>();
    if (issuer === undefined) return { jwt: undefined, perAudienceJwts };
    const { now, allowedClockSkewMs } = this.#parts;
    const audiences = [...new Set([holder.trustDomain, ...holder.extra])];
    if (audiences.length > maxAudiences) {
      throw signError(RpcCode.INVALID_ARGUMENT, `more than ${maxAudiences} JWT audiences`);
    }
    const common = { spiffeId: holder.spiffeId, nowMs: now(), allowedClockSkewMs };
    try {
      const jwt = await issuer.issue({ ...common, audiences });
      for (const audience of audiences) {
        perAudienceJwts.set(audience, await issuer.issue({ ...common, audiences: [audience] }));
      }
      return { jwt, perAudienceJwts };
    } catch (reason) {
      if (reason instanceof OutriggerError) throw reason;
      throw signError(RpcCode.INTERNAL, "failed to generate JWT", reason);
    }
  }
}
