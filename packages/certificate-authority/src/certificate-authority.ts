import { errorText, OutriggerError } from "@outrigger/core";
import { frameMessage, GrpcServer, type GrpcServerCall } from "@outrigger/grpc-http2";
import {
  decodeSignCertificateRequest,
  encodeSignCertificateResponse,
  signCertificatePath,
} from "@outrigger/protocol";
import { formatSpiffeId, serverTls } from "@outrigger/spiffe";
import { AuthorityKeeper, notTaken } from "./authority-keeper.ts";
import {
  type CertificateAuthorityOptions,
  readOptions,
  type Settings,
} from "./authority-options.ts";
import { FolderWatch } from "./folder-watch.ts";
import { AuthorityMetrics } from "./metrics.ts";
import { RotatingCertificate } from "./own-certificate.ts";
import { healthHandler } from "./servers/health.ts";
import { metricsHandler } from "./servers/metrics.ts";
import { OidcServer } from "./servers/oidc-server.ts";
import { SmallHttpServer } from "./servers/small-http-server.ts";
import { SignService } from "./sign-service.ts";

/** Largest request; a certificate request and a token are a few KiB. */
const maxRequestBytes = 1_048_576;

/** Ports that were bound; those of servers that are off are `undefined`. */
export interface BoundPorts {
  readonly grpc: number;
  readonly healthz: number | undefined;
  readonly metrics: number | undefined;
  readonly oidc: number | undefined;
}

/** A certificate authority with Dapr's Sentry contract, and its servers. */
export class CertificateAuthority {
  readonly #settings: Settings;
  readonly #keeper: AuthorityKeeper;
  readonly #own: RotatingCertificate;
  readonly #grpc: GrpcServer;
  readonly #metrics = new AuthorityMetrics();
  readonly #watch: FolderWatch;
  readonly #cancel = new AbortController();
  readonly #servers: SmallHttpServer[] = [];
  #oidc: OidcServer | undefined;
  #serving = false;

  /** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
  constructor(options: CertificateAuthorityOptions) {
    const settings = readOptions(options);
    this.#settings = settings;
    const { log, now } = settings;
    const shared = { ...settings, metrics: this.#metrics, log, now };
    const keeper = new AuthorityKeeper(shared);
    this.#keeper = keeper;
    this.#own = new RotatingCertificate({
      ...shared,
      authority: () => keeper.authority(),
      ttlMs: settings.workloadCertTtlMs,
      onRenewed: () => this.#grpc.renewTls(),
    });
    const service = new SignService({
      ...shared,
      authority: () => keeper.authority(),
      jwtIssuer: () => keeper.jwtIssuer(),
    });
    this.#grpc = new GrpcServer({
      methods: new Map([[signCertificatePath, (call) => answer(call, service)]]),
      maxMessageBytes: maxRequestBytes,
      tls: () => serverTls(this.#own.current(), undefined),
      onRefused: (reason, remote) =>
        log.log("debug", `${remote} was refused: ${errorText(reason)}`),
      now,
    });
    const { batchMs } = settings;
    this.#watch = new FolderWatch({
      folders: settings.store.folders,
      log,
      onChange: () => this.reload(),
      ...(batchMs === undefined ? {} : { batchMs }),
    });
  }

  /** PEM of the roots that clients must trust. @throws Error before `start`. */
  get trustAnchors(): string {
    return this.#keeper.authority().trustAnchors;
  }

  /** The authority's metrics in the Prometheus text format, for a server of one's own. */
  renderMetrics(): string {
    return this.#metrics.render();
  }

  /**
   * Loads or makes the authority and opens the ports. After a failure call `stop`.
   * @throws OutriggerError when material does not hold or a port is taken.
   */
  async start(signal: AbortSignal): Promise<BoundPorts> {
    const { validators, grpc, healthz, metricsListen, oidc } = this.#settings;
    const healthPort = healthz && (await this.#serve("healthz", this.#healthHandler(), healthz));
    this.#watch.start();
    await this.#keeper.start(signal);
    await this.#own.start();
    for (const validator of validators) await validator.start?.(signal);
    signal.throwIfAborted();
    const render = metricsHandler(() => this.renderMetrics());
    const metricsPort = metricsListen && (await this.#serve("metrics", render, metricsListen));
    if (oidc !== undefined) {
      this.#oidc = new OidcServer(oidc, () => this.#keeper.jwtIssuer(), this.#settings.log);
    }
    const oidcPort = await this.#oidc?.start();
    const { port } = await this.#grpc.listen(grpc.host, grpc.port);
    this.#serving = true;
    return { grpc: port, healthz: healthPort, metrics: metricsPort, oidc: oidcPort };
  }

  /** Takes over what has changed in the store. Never rejects; ports stay open. */
  async reload(): Promise<void> {
    const { log } = this.#settings;
    try {
      if (!(await this.#keeper.reload(this.#cancel.signal))) return;
      await this.#own.renew();
      log.log("info", "Issuer credentials changed; using the new ones");
    } catch (reason) {
      if (!this.#cancel.signal.aborted) log.log("error", notTaken(reason));
    }
  }

  /** Lets requests end, for at most `drainMs`, and releases everything. Idempotent. */
  async stop(drainMs = 5_000): Promise<void> {
    this.#serving = false;
    this.#cancel.abort();
    this.#watch.stop();
    this.#own.stop();
    await this.#grpc.drain(AbortSignal.timeout(drainMs));
    await this.#grpc.close();
    await this.#oidc?.stop();
    for (const validator of this.#settings.validators) await validator.stop?.();
    for (const server of this.#servers) await server.close();
  }

  #healthHandler(): ReturnType<typeof healthHandler> {
    return healthHandler(() => {
      const targets = new Map([
        ["security-provider", this.#own.ready],
        ["sentry-server", this.#serving],
        ["oidc-server", this.#oidc?.ready ?? true],
      ]);
      for (const { healthTarget, ready } of this.#settings.validators) {
        if (healthTarget !== undefined) targets.set(healthTarget, ready);
      }
      return targets;
    });
  }

  async #serve(
    what: string,
    handler: ConstructorParameters<typeof SmallHttpServer>[1],
    listen: { host: string; port: number },
  ): Promise<number> {
    const server = new SmallHttpServer(what, handler);
    this.#servers.push(server);
    return server.listen(listen);
  }
}

/** One unary call. */
async function answer(call: GrpcServerCall, service: SignService): Promise<void> {
  const frame = await call.messages.read();
  if (frame === undefined) {
    throw new OutriggerError("the request has no message", { code: "OTR_PROTOCOL_VIOLATION" });
  }
  const request = decodeSignCertificateRequest(await call.decode(frame));
  const response = encodeSignCertificateResponse(await service.sign(request, call.signal));
  call.finish(undefined, [], frameMessage(response));
}

/** SPIFFE id of an authority. @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function authoritySpiffeId(trustDomain: string, namespace: string): string {
  const id = formatSpiffeId({ trustDomain, namespace, appId: "dapr-sentry" });
  if (id !== undefined) return id;
  throw new OutriggerError(
    `trust domain "${trustDomain}" and namespace "${namespace}" give no SPIFFE id`,
    { code: "OTR_OPTIONS_INVALID" },
  );
}
