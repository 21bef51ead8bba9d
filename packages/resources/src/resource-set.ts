/** What the filters need to know of a document. */
interface Filtered {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly scopes: readonly string[];
}

/** Whom the resources are for. */
export interface Audience {
  readonly appId: string;
  /** Empty: documents of every namespace are taken. */
  readonly namespace: string;
}

/** True when a document belongs to the namespace, or to none. */
export function inNamespace(document: Filtered, audience: Audience): boolean {
  const { namespace } = document;
  return audience.namespace === "" || namespace === "" || namespace === audience.namespace;
}

/** True when a document is for everybody, or names the app. */
export function inScope(document: Filtered, audience: Audience): boolean {
  return document.scopes.length === 0 || document.scopes.includes(audience.appId);
}

/** The documents of one kind that an app gets, and the definitions that clash. */
export class ResourceSet<T extends Filtered> {
  readonly kept: T[] = [];
  readonly duplicates: string[] = [];
  readonly #audience: Audience;
  readonly #label: (document: T) => string;

  /** @param label how logs show a document. */
  constructor(audience: Audience, label: (document: T) => string) {
    this.#audience = audience;
    this.#label = label;
  }

  add(document: T): void {
    if (!inNamespace(document, this.#audience)) return;
    // Before the scope of the later one is looked at: a name that is taken stays taken, as in Dapr.
    const existing = this.kept.find((earlier) => earlier.name === document.name);
    if (existing !== undefined) {
      this.duplicates.push(
        `duplicate definition of ${document.kind} name ${this.#label(document)} ` +
          `with existing ${this.#label(existing)}`,
      );
    } else if (inScope(document, this.#audience)) {
      this.kept.push(document);
    }
  }
}
