export { clientTls, type OwnCertificate, serverTls, verifyPeer } from "./mutual-tls.ts";
export { type Received, RotatingSvid } from "./rotating-svid.ts";
export {
  formatSpiffeId,
  parseSpiffeId,
  parseTrustDomain,
  type SpiffeId,
  toPeerIdentity,
  type WorkloadName,
} from "./spiffe-id.ts";
export { type ChainToVerify, parseCertificates, verifyChain } from "./svid-chain.ts";
export { identityOfLeaf } from "./svid-leaf.ts";
export { readTrustAnchors, type TrustAnchorSource, watchTrustAnchors } from "./trust-anchors.ts";
export { type FileWatch, watchFiles } from "./watch-files.ts";
