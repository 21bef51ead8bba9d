/** Parts of an authority, each by its text; a part that is not there is `undefined`. */
export interface StoredMaterial {
  readonly trustAnchors?: string | undefined;
  readonly issuerChain?: string | undefined;
  readonly issuerKey?: string | undefined;
  readonly jwtKey?: string | undefined;
  readonly jwks?: string | undefined;
}

/** Where an authority keeps its keys and certificates. */
export interface MaterialStore {
  /** @throws Error when the place cannot be read, which is something else than finding nothing. */
  load(signal: AbortSignal): Promise<StoredMaterial>;
  /** Writes the parts that are given; others stay. */
  save(material: StoredMaterial, signal: AbortSignal): Promise<void>;
  /** Folders whose changes call for another `load`. */
  readonly folders: readonly string[];
}
