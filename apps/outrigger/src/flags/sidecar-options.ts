import type { AppProtocol } from "@outrigger/core";

/** Where the sidecar runs. */
export type SidecarMode = "standalone" | "kubernetes";

/** App health probes. */
export interface AppHealthOptions {
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures after which the app counts as unhealthy. */
  readonly threshold: number;
}

/** Everything that the command line decides, checked. Ports of 0 and above 65535 do occur. */
export interface SidecarOptions {
  readonly mode: SidecarMode;
  readonly appId: string;
  /** 0: there is no app. */
  readonly appPort: number;
  readonly appProtocol: AppProtocol;
  readonly appChannelAddress: string;
  /** 0: no limit. */
  readonly appMaxConcurrency: number;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** `undefined`: the stable port. */
  readonly internalGrpcPort: number | undefined;
  /** Empty: all addresses. */
  readonly internalGrpcListenAddress: string;
  /** At least one; the empty text stands for all addresses. */
  readonly listenAddresses: readonly string[];
  /** `undefined`: no public server. */
  readonly publicPort: number | undefined;
  readonly publicListenAddress: string;
  /** Directory of the sockets that replace the two API ports. */
  readonly unixDomainSocket: string | undefined;
  readonly configFiles: readonly string[];
  readonly resourcesPaths: readonly string[];
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  /** Empty: no CORS. */
  readonly allowedOrigins: readonly string[];
  /** `undefined`: the Configuration decides. */
  readonly enableApiLogging: boolean | undefined;
  readonly enableMtls: boolean;
  readonly sentryAddress: string;
  readonly sentryRequestJwtAudiences: readonly string[];
  readonly controlPlaneAddress: string;
  readonly controlPlaneTrustDomain: string;
  readonly controlPlaneNamespace: string;
  readonly disableBuiltinK8sSecretStore: boolean;
  /** `undefined`: the app is not probed. */
  readonly appHealth: AppHealthOptions | undefined;
  /** `undefined`: no limit. */
  readonly gracefulShutdownMs: number | undefined;
  /** `undefined`: shut down at once. */
  readonly blockShutdownMs: number | undefined;
  readonly disabledInitEndpoints: { readonly config: boolean; readonly subscribe: boolean };
  readonly metrics: {
    readonly enabled: boolean;
    readonly port: number;
    readonly listenAddress: string;
  };
  readonly profiling: { readonly enabled: boolean; readonly port: number };
  readonly hotReloadReconcileMs: number;
  /** Advice for the log, at level warn. */
  readonly warnings: readonly string[];
}
