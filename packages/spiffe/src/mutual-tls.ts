import { constants, type X509Certificate } from "node:crypto";
import type { ConnectionOptions, TLSSocket, TlsOptions } from "node:tls";
import type { PeerIdentity, Svid } from "@outrigger/core";
import { parseCertificates, verifyChain } from "./svid-chain.ts";
import { identityOfLeaf } from "./svid-leaf.ts";

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

/** What a party shows of itself; a client of the certificate authority has nothing to show yet. */
export type OwnCertificate = Pick<Svid, "certificateChain" | "privateKey">;

/**
 * TLS of a server. The handshake completes for any peer; {@link verifyPeer} decides on it right
 * after, before a byte of it is looked at. Left to itself OpenSSL would refuse good peers while a
 * root is being replaced.
 * @param trustAnchors PEM; absent when clients need no certificate.
 */
export function serverTls(own: OwnCertificate, trustAnchors: string | undefined): TlsOptions {
  return {
    cert: own.certificateChain,
    key: own.privateKey,
    minVersion: "TLSv1.2",
    ciphers: cipherSuites,
    // A resumed session would take the identity from the ticket and show no certificate again.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...(trustAnchors === undefined
      ? {}
      : { ca: trustAnchors, requestCert: true, rejectUnauthorized: false }),
  };
}

/** TLS of a client, whose server {@link verifyPeer} must judge before anything is sent. */
export function clientTls(
  own: OwnCertificate | undefined,
  trustAnchors: string,
): ConnectionOptions {
  return {
    ca: trustAnchors,
    minVersion: "TLSv1.2",
    ciphers: cipherSuites,
    rejectUnauthorized: false,
    // The SPIFFE id takes the place of the host name, which proves nothing here.
    checkServerIdentity: () => undefined,
    ...(own === undefined ? {} : { cert: own.certificateChain, key: own.privateKey }),
  };
}

/**
 * Who is at the other end of a connection whose handshake has completed.
 * @param trustAnchors PEM bundle that the peer's certificate must descend from.
 * @throws Error with the reason when the peer proves no identity.
 */
export function verifyPeer(socket: TLSSocket, trustAnchors: string, nowMs: number): PeerIdentity {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) throw new Error("tls: the peer sent no certificate");
  if (!socket.authorized) {
    const anchors = parseCertificates(trustAnchors);
    const refusal = verifyChain({ leaf, intermediates: sentWith(leaf), anchors, nowMs });
    if (refusal !== undefined) throw refusal;
  }
  return identityOfLeaf(leaf.raw);
}

function sentWith(leaf: X509Certificate): readonly X509Certificate[] {
  const sent: X509Certificate[] = [];
  let next = leaf.issuerCertificate;
  // A self-signed certificate is its own issuer.
  while (next !== undefined && sent.length < 16 && next !== next.issuerCertificate) {
    sent.push(next);
    next = next.issuerCertificate;
  }
  if (next !== undefined) sent.push(next);
  return sent;
}
