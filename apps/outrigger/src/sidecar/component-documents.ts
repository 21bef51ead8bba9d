import type { ComponentDocument } from "@outrigger/resources";

/** How logs show a component. */
export function labelOf({ name, type, version }: ComponentDocument): string {
  return `${name} (${type}/${version || "v1"})`;
}

/** True when two documents say the same, wherever they lie. */
export function isSameDocument(first: ComponentDocument, second: ComponentDocument): boolean {
  return contentOf(first) === contentOf(second);
}

function contentOf(document: ComponentDocument): string {
  return JSON.stringify({ ...document, file: "" });
}

/** `components.deny` of the Configuration: types, with or without a version. */
export function isDenied({ type, version }: ComponentDocument, denied: readonly string[]): boolean {
  if (denied.length === 0) return false;
  const isNamed = denied.some((entry) => entry === type || entry === `${type}/${version}`);
  return type === "" || version === "" || isNamed;
}

/** True for a component whose settings come from one of the secret stores. */
export function needsStore(document: ComponentDocument, stores: ReadonlySet<string>): boolean {
  return (
    stores.has(document.secretStore) &&
    document.metadata.some(({ value, secretKeyRef }) => !value && secretKeyRef !== undefined)
  );
}

/** The names of the secret stores that came, changed or went. */
export function changedNames(
  before: readonly ComponentDocument[],
  after: readonly ComponentDocument[],
): ReadonlySet<string> {
  const isIn = (all: readonly ComponentDocument[], document: ComponentDocument): boolean =>
    all.some((each) => isSameDocument(each, document));
  const changed = [
    ...before.filter((document) => !isIn(after, document)),
    ...after.filter((document) => !isIn(before, document)),
  ];
  return new Set(changed.map(({ name }) => name));
}
