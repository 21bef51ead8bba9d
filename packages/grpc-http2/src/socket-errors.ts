const socketErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "read: connection reset by peer",
  ENETUNREACH: "connect: network is unreachable",
  EHOSTUNREACH: "connect: no route to host",
  ETIMEDOUT: "i/o timeout",
  // OpenSSL's word for bytes that are no TLS.
  EPROTO: "tls: first record does not look like a TLS handshake",
};

const unknownAuthority = "x509: certificate signed by unknown authority";

/** What Node says about handshakes, in the words of Go's TLS library, which people search for. */
const tlsErrors: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: "tls: first record does not look like a TLS handshake",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "tls: first record does not look like a TLS handshake",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "remote error: tls: unknown certificate authority",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "remote error: tls: certificate required",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "remote error: tls: bad certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "remote error: tls: expired certificate",
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: "remote error: tls: no application protocol",
  CERT_HAS_EXPIRED: "x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "x509: certificate has expired or is not yet valid",
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
};

/** Why a connection failed, for statuses and logs. */
export function describeSocketError(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ENOTFOUND" && "hostname" in error) return `lookup ${error.hostname}: no such host`;
  const known = socketErrors[code] ?? tlsErrors[code];
  if (known !== undefined) return known;
  // OpenSSL's queue of errors starts with an address and tells file names; the end of one is this.
  if (error.message.includes("signature failure")) return unknownAuthority;
  return "reason" in error && typeof error.reason === "string" ? error.reason : error.message;
}
