import type { LoadedResources } from "./load-resources.ts";

/** What became of a resource between two readings of the files. */
export interface ResourceChange {
  readonly kind: "Component" | "Configuration" | "HTTPEndpoint" | "Resiliency";
  readonly name: string;
  readonly event: "CREATED" | "UPDATED" | "DELETED";
}

/** What the comparison sees of a document of any kind. */
interface Comparable {
  readonly kind: ResourceChange["kind"];
  readonly name: string;
  readonly file: string;
}

/**
 * What differs between two readings: deleted resources first, then updated, then created ones.
 * Where a document lies does not count. Documents that share kind and name are compared together.
 */
export function resourceChanges(
  before: LoadedResources | undefined,
  after: LoadedResources | undefined,
): readonly ResourceChange[] {
  const old = contents(before);
  const young = contents(after);
  const deleted: ResourceChange[] = [];
  const updated: ResourceChange[] = [];
  const created: ResourceChange[] = [];
  for (const [key, { kind, name, texts }] of old) {
    const now = young.get(key);
    if (now === undefined) deleted.push({ kind, name, event: "DELETED" });
    else if (now.texts.join("\n") !== texts.join("\n")) {
      updated.push({ kind, name, event: "UPDATED" });
    }
  }
  for (const [key, { kind, name }] of young) {
    if (!old.has(key)) created.push({ kind, name, event: "CREATED" });
  }
  return [...deleted, ...updated, ...created];
}

/** What a reading lost that an earlier one did not: documents that cannot be used. */
export function newProblems(
  before: LoadedResources | undefined,
  after: LoadedResources | undefined,
): readonly string[] {
  const known = new Set(before?.notices.map(({ message }) => message));
  return (after?.notices ?? [])
    .filter(({ harmless, message }) => harmless !== true && !known.has(message))
    .map(({ message }) => message);
}

interface Content {
  readonly kind: ResourceChange["kind"];
  readonly name: string;
  /** One text per document of this kind and name. */
  readonly texts: string[];
}

function contents(resources: LoadedResources | undefined): ReadonlyMap<string, Content> {
  const all = new Map<string, Content>();
  if (resources === undefined) return all;
  const { components, configurations, httpEndpoints, resiliencies } = resources;
  for (const document of [...configurations, ...resiliencies, ...httpEndpoints, ...components]) {
    addContent(all, document);
  }
  return all;
}

function addContent(all: Map<string, Content>, document: Comparable): void {
  const { kind, name } = document;
  const key = `${kind}/${name}`;
  const text = JSON.stringify({ ...document, file: "" });
  const existing = all.get(key);
  if (existing === undefined) all.set(key, { kind, name, texts: [text] });
  else existing.texts.push(text);
}
