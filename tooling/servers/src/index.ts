export type { ServerName } from "./catalogue.ts";
export { ConsulServer, daprService } from "./consul-server.ts";
export { findServer, serversOrSkip } from "./find.ts";
export { freePorts } from "./free-ports.ts";
export { KubernetesApi, KubernetesApiError, type KubernetesObject } from "./kubernetes-api.ts";
export { type ClusterBinaries, KubernetesCluster } from "./kubernetes-cluster.ts";
export {
  type Account,
  allow,
  createCustomResource,
  createNamespace,
  createPod,
  type Rule,
  requestToken,
  resignToken,
  type TokenRequest,
} from "./kubernetes-objects.ts";
export { ServerProcess } from "./server-process.ts";
export { ZipkinServer } from "./zipkin-server.ts";
