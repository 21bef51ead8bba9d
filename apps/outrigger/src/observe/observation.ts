import { hostname } from "node:os";
import { type CallGraph, callGraph } from "@outrigger/call-graph";
import { localSidecar } from "@outrigger/console/local-sidecars";
import type {
  Component,
  ComponentFactory,
  HttpRequest,
  HttpResponse,
  Logger,
  Middleware,
  Resolver,
  RuntimeOptions,
  WorkloadIdentity,
} from "@outrigger/core";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import { COMPATIBLE_DAPR_VERSION, PRODUCT_VERSION } from "../flags/version.ts";
import type { SidecarResources } from "../sidecar/read-resources.ts";
import { observationRoutes } from "./observation-routes.ts";
import { resolverState } from "./resolver-state.ts";

/** What the sidecar shows of itself and of its calls. */
export class Observation {
  /** Serves the routes; belongs behind the check of the token. */
  readonly routes: Middleware<HttpRequest, HttpResponse>;
  readonly #options: SidecarOptions;
  readonly #env: Environment;
  readonly #resources: SidecarResources;
  readonly #graph: CallGraph;
  readonly #namespace: string;
  readonly #hasToken: boolean;
  readonly #startedAt = Date.now();
  #runtime: RuntimeOptions | undefined;
  #identity: WorkloadIdentity | undefined;
  #resolver: Resolver | undefined;

  constructor(options: SidecarOptions, resources: SidecarResources, env: Environment) {
    this.#options = options;
    this.#env = env;
    this.#resources = resources;
    this.#namespace = env.NAMESPACE ?? "default";
    this.#hasToken = Boolean(env.DAPR_API_TOKEN);
    this.#graph = callGraph({ appId: options.appId, namespace: this.#namespace });
    this.routes = observationRoutes({
      graph: (history) => this.#graph.snapshot({ history }),
      sidecar: () => this.#describe(),
      hasToken: this.#hasToken,
    });
  }

  /** The options of a runtime whose calls are counted and whose parts are looked at. */
  attach(options: RuntimeOptions): RuntimeOptions {
    const { identity, resolver } = options;
    this.#runtime = options;
    return {
      ...options,
      telemetry: [...(options.telemetry ?? []), this.#graph.telemetry],
      ...(identity === undefined
        ? {}
        : { identity: kept(identity, (made) => (this.#identity = made)) }),
      ...(resolver === undefined
        ? {}
        : { resolver: kept(resolver, (made) => (this.#resolver = made)) }),
    };
  }

  /** What lets consoles of this user on this machine find the sidecar, where it can be found. */
  companions(log: Logger): readonly Component[] {
    const { appId, httpPort, listenAddresses, mode, unixDomainSocket } = this.#options;
    if (mode !== "standalone" || httpPort === 0 || unixDomainSocket !== undefined) return [];
    const [address = ""] = listenAddresses;
    const listensEverywhere = /^(?:|0\.0\.0\.0|\[?::\]?)$/.test(address);
    const host = listensEverywhere ? "127.0.0.1" : address.replace(/^\[(.*)\]$/, "$1");
    return [localSidecar({ appId, namespace: this.#namespace, host, httpPort }, this.#env, log)];
  }

  async #describe(): Promise<unknown> {
    const { configFiles, resourcesPaths, httpPort, grpcPort, enableMtls, mode } = this.#options;
    const { httpEndpoints, resiliencies, enabledFeatures, appConnection } =
      this.#runtime?.description ?? {};
    const components = this.#runtime?.components?.();
    return {
      version: 1,
      appId: this.#options.appId,
      namespace: this.#namespace,
      at: Date.now(),
      startedAt: this.#startedAt,
      runtimeVersion: COMPATIBLE_DAPR_VERSION,
      outriggerVersion: PRODUCT_VERSION,
      ...{ mode, pid: process.pid, hostname: hostname(), httpPort, grpcPort },
      apiToken: this.#hasToken,
      config: { files: configFiles, resources: resourcesPaths, ...this.#configured() },
      ...{ components, httpEndpoints, resiliencies, enabledFeatures, app: appConnection },
      mtls: { enabled: enableMtls, ...certificate(this.#identity) },
      resolver: await resolverState(this.#resolver, this.#graph.snapshot()),
    };
  }

  #configured(): object {
    const { accessControl, nameResolution, tracing } = this.#resources.configuration;
    return {
      nameResolution: nameResolution.component,
      samplingRate: tracing.samplingRate,
      accessControl:
        accessControl === undefined
          ? null
          : {
              defaultAction: accessControl.defaultAction || "allow",
              policies: accessControl.policies.map(({ appId }) => appId),
            },
    };
  }
}

function kept<C extends Resolver | WorkloadIdentity>(
  factory: ComponentFactory<C>,
  keep: (made: C) => void,
): ComponentFactory<C> {
  return (context) => {
    const made = factory(context);
    keep(made);
    return made;
  };
}

/** Never the key, and of the certificate only what everybody sees who connects. */
function certificate(identity: WorkloadIdentity | undefined): object {
  try {
    if (identity === undefined) return {};
    const { spiffeId, notBeforeMs, expiresAtMs } = identity.current();
    return { spiffeId, notBefore: notBeforeMs, expiresAt: expiresAtMs };
  } catch {
    // There is none yet.
    return {};
  }
}
