export { Authority, type IssuedLeaf, type LeafRequest } from "./authority.ts";
export type { AuthorityMaterial, JwtMaterial } from "./authority-material.ts";
export type { CertificateAuthorityOptions } from "./authority-options.ts";
export {
  authoritySpiffeId,
  type BoundPorts,
  CertificateAuthority,
} from "./certificate-authority.ts";
export { createAuthority, type NewAuthority } from "./create-authority.ts";
export { type FileStoreOptions, fileStore, type MaterialPaths } from "./file-store.ts";
export { createJwtMaterial, JwtIssuer, type JwtRequest, type JwtSettings } from "./jwt-issuer.ts";
export { type ClusterAccess, clusterAccess } from "./kubernetes/cluster-access.ts";
export { kubernetesClient } from "./kubernetes/http-client.ts";
export type {
  ClusterTexts,
  KubernetesClient,
  PodFacts,
  TokenReview,
} from "./kubernetes/kubernetes-client.ts";
export { type KubernetesStoreOptions, kubernetesStore } from "./kubernetes-store.ts";
export { loadAuthority } from "./load-authority.ts";
export type { MaterialStore, StoredMaterial } from "./material-store.ts";
export type { OidcSettings } from "./servers/oidc.ts";
export type { OidcServerSettings } from "./servers/oidc-server.ts";
export type { Listen } from "./servers/small-http-server.ts";
export { publicKeyOfRequest } from "./signing-request.ts";
export { insecureValidator } from "./validators/insecure.ts";
export { jwksValidator } from "./validators/jwks.ts";
export type { JwksValidatorOptions } from "./validators/jwks-options.ts";
export { type KubernetesValidatorOptions, kubernetesValidator } from "./validators/kubernetes.ts";
export type { TokenValidator } from "./validators/token-validator.ts";
