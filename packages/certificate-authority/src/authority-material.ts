/** An authority in PEM, as its three files hold it. */
export interface AuthorityMaterial {
  /** One or more self-signed roots: `ca.crt`. */
  readonly trustAnchors: string;
  /** The issuer, then the intermediates above it: `issuer.crt`. */
  readonly issuerChain: string;
  /** Key of the issuer: `issuer.key`. Never logged. */
  readonly issuerKey: string;
}

/** What JWTs are signed with. */
export interface JwtMaterial {
  /** PKCS#8 in PEM: `jwt.key`. Never logged. */
  readonly key: string;
  /** The published set: `jwks.json`. */
  readonly jwks: string;
}
