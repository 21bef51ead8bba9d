import type { Alias, Document, Node, Pair, Scalar } from "yaml";

/** Anything that JSON can say. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** A YAML document as data, with what a decoder of typed fields needs: scalars keep their spelling. */
export type YamlTree =
  | {
      readonly kind: "scalar";
      readonly value: string | number | boolean | null;
      /** As written, so that `0.10` stays `0.10` where a string is expected. */
      readonly source: string;
      /** Plain words such as `yes` may still be read as booleans; quoted ones may not. */
      readonly plain: boolean;
      readonly file: string;
    }
  | { readonly kind: "list"; readonly items: readonly YamlTree[]; readonly file: string }
  | {
      readonly kind: "map";
      readonly entries: ReadonlyMap<string, YamlTree>;
      readonly file: string;
    };

// Aliases can make a small file describe an enormous document.
const nodeLimit = 100_000;

/**
 * Parses the first document of a text. The library is loaded on first use: a sidecar without files
 * starts without it.
 * @returns `undefined` for an empty document.
 * @throws Error that says what is wrong and where.
 */
export async function parseYaml(text: string, file: string): Promise<YamlTree | undefined> {
  const yaml = await import("yaml");
  const parsed = yaml.parseAllDocuments(text, {
    merge: true,
    stringKeys: true,
    logLevel: "silent",
  });
  if ("empty" in parsed) return undefined;
  const document = parsed[0];
  if (document === undefined || document.contents === null) return undefined;
  const [problem] = document.errors;
  if (problem !== undefined) throw problem;
  return new TreeBuilder(yaml, document, file).build(document.contents);
}

class TreeBuilder {
  readonly #yaml: typeof import("yaml");
  readonly #document: Document.Parsed;
  readonly #file: string;
  #nodes = 0;
  #depth = 0;

  constructor(yaml: typeof import("yaml"), document: Document.Parsed, file: string) {
    this.#yaml = yaml;
    this.#document = document;
    this.#file = file;
  }

  build(node: unknown): YamlTree {
    this.#nodes += 1;
    if (this.#nodes > nodeLimit)
      throw new Error("the document is too large once aliases are followed");
    if (this.#depth > 100) throw new Error("the document is nested too deeply");
    this.#depth += 1;
    const tree = this.#convert(node);
    this.#depth -= 1;
    return tree;
  }

  #convert(node: unknown): YamlTree {
    const { isAlias, isMap, isSeq } = this.#yaml;
    const file = this.#file;
    if (isAlias(node)) return this.build(this.#resolve(node));
    if (isSeq(node)) {
      return { kind: "list", items: node.items.map((item) => this.build(item)), file };
    }
    if (isMap(node)) {
      const entries = new Map<string, YamlTree>();
      for (const pair of node.items) this.#addPair(entries, pair);
      return { kind: "map", entries, file };
    }
    return this.#scalar(node);
  }

  #resolve(alias: Alias): Node {
    const target = alias.resolve(this.#document);
    if (target === undefined) throw new Error(`unknown alias ${alias.source}`);
    return target;
  }

  #addPair(entries: Map<string, YamlTree>, pair: Pair): void {
    const key = this.#yaml.isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const value = this.build(pair.value);
    if (key !== "<<" || value.kind === "scalar") {
      entries.set(key, value);
      return;
    }
    // A merge key fills in what the map itself does not say, wherever it stands in the map.
    for (const source of value.kind === "list" ? value.items : [value]) {
      if (source.kind !== "map") continue;
      for (const [name, entry] of source.entries) if (!entries.has(name)) entries.set(name, entry);
    }
  }

  #scalar(node: unknown): YamlTree {
    const scalar: Partial<Scalar> = this.#yaml.isScalar(node) ? node : { value: null };
    const { value } = scalar;
    const plain = scalar.type === "PLAIN" || scalar.type === undefined;
    const known =
      typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    const source = plain ? (scalar.source ?? "") : String(value ?? "");
    return {
      kind: "scalar",
      value: known ? value : value === null || value === undefined ? null : String(value),
      source,
      plain,
      file: this.#file,
    };
  }
}

/** The tree as plain data. */
export function toJson(tree: YamlTree): JsonValue {
  if (tree.kind === "scalar") return tree.value;
  if (tree.kind === "list") return tree.items.map(toJson);
  return Object.fromEntries([...tree.entries].map(([key, value]) => [key, toJson(value)]));
}

/**
 * Lays one document over another as Go's decoder does when it fills the same object twice: maps
 * merge by key, lists and scalars are replaced, `null` empties lists and maps and leaves scalars.
 */
export function mergeTrees(base: YamlTree, over: YamlTree): YamlTree {
  if (over.kind === "scalar" && over.value === null) return base.kind === "scalar" ? base : over;
  if (base.kind !== "map" || over.kind !== "map") return over;
  const entries = new Map(base.entries);
  for (const [key, value] of over.entries) {
    const earlier = entries.get(key);
    entries.set(key, earlier === undefined ? value : mergeTrees(earlier, value));
  }
  return { kind: "map", entries, file: over.file };
}
