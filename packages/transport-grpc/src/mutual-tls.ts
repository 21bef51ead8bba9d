import { constants, type X509Certificate } from "node:crypto";
import type { TlsOptions } from "node:tls";
import type { PeerIdentity, ResolveRequest, Svid } from "@outrigger/core";
import type { DialTls, GrpcServerCall } from "@outrigger/grpc-http2";
import { identityOfLeaf } from "@outrigger/protocol";

/**
 * What Go offers for HTTP/2: the suites of TLS 1.3, and of TLS 1.2 those with forward secrecy and
 * authenticated encryption (RFC 9113 section 9.2.2).
 */
const cipherSuites = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

function contextOptions(svid: Svid) {
  return {
    ca: svid.trustAnchors,
    cert: svid.certificateChain,
    key: svid.privateKey,
    minVersion: "TLSv1.2" as const,
    ciphers: cipherSuites,
    // Anchors need not be self-signed for Go peers; OpenSSL wants to be told (Node 22.9).
    allowPartialTrustChain: true,
  };
}

/** TLS of the internal server: every peer must prove an identity. */
export function serverTls(svid: Svid): TlsOptions {
  return {
    ...contextOptions(svid),
    requestCert: true,
    rejectUnauthorized: true,
    // A resumed session would take the identity from the ticket and show no certificate again.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** TLS towards a peer that must prove to be the app which was asked for. */
export function clientTls(svid: Svid, expected: ResolveRequest): DialTls {
  return {
    options: {
      ...contextOptions(svid),
      rejectUnauthorized: true,
      // The SPIFFE id below takes the place of the host name, which proves nothing here.
      checkServerIdentity: () => undefined,
    },
    verifyPeer: (certificate) => refuseOther(certificate, expected),
  };
}

/** Any app of the mesh may connect; what it may call is for the access policy to say. */
export function refuseWithoutIdentity(certificate: X509Certificate): Error | undefined {
  const identity = identityOrError(certificate);
  return identity instanceof Error ? identity : undefined;
}

/** The trust domain is not looked at: Dapr's sidecars of several domains share their anchors. */
function refuseOther(certificate: X509Certificate, expected: ResolveRequest): Error | undefined {
  const identity = identityOrError(certificate);
  if (identity instanceof Error) return identity;
  const { namespace, appId, spiffeId } = identity;
  if (namespace === expected.namespace && appId === expected.appId) return undefined;
  return new Error(
    `unexpected SPIFFE ID: "${spiffeId}", expected /ns/${expected.namespace}/${expected.appId}`,
  );
}

function identityOrError(certificate: X509Certificate): PeerIdentity | Error {
  try {
    return identityOfLeaf(certificate.raw);
  } catch (reason) {
    return reason instanceof Error ? reason : new Error(String(reason));
  }
}

/** Remembers who is at the other end of each connection, so that certificates are read once. */
export class PeerIdentities {
  readonly #known = new WeakMap<object, PeerIdentity>();

  /** The identity that the calling sidecar proved; `undefined` in plaintext. */
  of(call: GrpcServerCall): PeerIdentity | undefined {
    const { tls } = call;
    if (tls === undefined) return undefined;
    const known = this.#known.get(tls);
    if (known !== undefined) return known;
    const certificate = tls.getPeerX509Certificate();
    if (certificate === undefined) return undefined;
    const identity = identityOfLeaf(certificate.raw);
    this.#known.set(tls, identity);
    return identity;
  }
}
