import { parseDuration } from "./duration.ts";
import { nearestName } from "./nearest-name.ts";
import { type JsonValue, toJson, type YamlTree } from "./yaml-tree.ts";

/** Reads one value. `undefined` means that it is absent, null, or wrong and reported. */
export type Decode<T> = (cursor: Cursor) => T | undefined;

/** Collects what is wrong with a document, and what is merely odd. */
export interface Findings {
  readonly problems: string[];
  readonly warnings: string[];
  /** Keys match without case, as in JSON decoded by Go, and unknown ones are nobody's business. */
  readonly anyCase: boolean;
}

/** A place in a document. */
export class Cursor {
  readonly tree: YamlTree | undefined;
  readonly path: string;
  readonly #findings: Findings;

  constructor(tree: YamlTree | undefined, path: string, findings: Findings) {
    this.tree = tree;
    this.path = path;
    this.#findings = findings;
  }

  get absent(): boolean {
    return this.tree === undefined || (this.tree.kind === "scalar" && this.tree.value === null);
  }

  at(segment: string, tree: YamlTree | undefined): Cursor {
    const separator = this.path === "" || segment.startsWith("[") ? "" : ".";
    return new Cursor(tree, `${this.path}${separator}${segment}`, this.#findings);
  }

  /** Records that the value is wrong. */
  wrong(expected: string): undefined {
    const file = this.tree?.file ?? "";
    const got = this.tree === undefined ? "nothing" : printValue(toJson(this.tree));
    this.#findings.problems.push(`${file}: ${this.path}: must be ${expected} (got ${got})`);
    return undefined;
  }

  /** The fields of a map; reports unknown ones. @param known every field the schema has. */
  fields(known: readonly string[]): ((name: string) => Cursor) | undefined {
    if (this.absent) return (name) => this.at(name, undefined);
    if (this.tree?.kind !== "map") return this.wrong("a map");
    const { entries } = this.tree;
    if (this.#findings.anyCase) return (name) => this.at(name, findAnyCase(entries, name));
    for (const [key, value] of entries) {
      if (!known.includes(key)) this.#warnUnknown(this.at(key, value), key, known);
    }
    return (name) => this.at(name, entries.get(name));
  }

  #warnUnknown(place: Cursor, key: string, known: readonly string[]): void {
    const nearest = nearestName(key, known);
    const advice = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    const file = place.tree?.file ?? "";
    this.#findings.warnings.push(`${file}: ${place.path}: unknown field, ignored${advice}`);
  }
}

/** An exact match wins over one that differs in case, as in Go's JSON decoder. */
function findAnyCase(entries: ReadonlyMap<string, YamlTree>, name: string): YamlTree | undefined {
  const exact = entries.get(name);
  if (exact !== undefined) return exact;
  const lower = name.toLowerCase();
  for (const [key, value] of entries) if (key.toLowerCase() === lower) return value;
  return undefined;
}

/** A string; numbers and booleans count as the text they are written as. */
export function string(cursor: Cursor): string | undefined {
  if (cursor.absent) return undefined;
  const { tree } = cursor;
  return tree?.kind === "scalar" ? tree.source : cursor.wrong("a string");
}

const yes = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/;
const no = /^(?:n|N|no|No|NO|off|Off|OFF)$/;

/** A boolean, in the words of YAML 1.1 too. */
export function bool(cursor: Cursor): boolean | undefined {
  if (cursor.absent) return undefined;
  const { tree } = cursor;
  if (tree?.kind === "scalar") {
    if (typeof tree.value === "boolean") return tree.value;
    if (tree.plain && yes.test(tree.source)) return true;
    if (tree.plain && no.test(tree.source)) return false;
  }
  return cursor.wrong("true or false");
}

/** A whole number. */
export function integer(cursor: Cursor): number | undefined {
  if (cursor.absent) return undefined;
  const { tree } = cursor;
  if (tree?.kind === "scalar" && Number.isSafeInteger(tree.value)) return Number(tree.value);
  return cursor.wrong("a whole number");
}

/** A Go duration such as `10s`, in milliseconds. */
export function duration(cursor: Cursor): number | undefined {
  if (cursor.absent) return undefined;
  const { tree } = cursor;
  const millis = tree?.kind === "scalar" ? parseDuration(tree.source) : undefined;
  return millis ?? cursor.wrong("a duration such as 10s or 1m30s");
}

/** Anything, as plain data. */
export function anything(cursor: Cursor): JsonValue | undefined {
  return cursor.tree === undefined || cursor.absent ? undefined : toJson(cursor.tree);
}

/** One of several words, compared as written. */
export function oneOf<T extends string>(...words: readonly T[]): Decode<T> {
  return (cursor) => {
    const text = string(cursor);
    if (text === undefined) return undefined;
    return words.find((word) => word === text) ?? cursor.wrong(words.join(" or "));
  };
}

/** A list; its wrong entries are reported and left out. */
export function list<T>(decode: Decode<T>): Decode<readonly T[]> {
  return (cursor) => {
    if (cursor.absent) return undefined;
    if (cursor.tree?.kind !== "list") return cursor.wrong("a list");
    return cursor.tree.items.flatMap((item, index) => {
      const value = decode(cursor.at(`[${index}]`, item));
      return value === undefined ? [] : [value];
    });
  };
}

/** A map with free keys. */
export function record<T>(decode: Decode<T>): Decode<Readonly<Record<string, T>>> {
  return (cursor) => {
    if (cursor.absent) return undefined;
    if (cursor.tree?.kind !== "map") return cursor.wrong("a map");
    const result: [string, T][] = [];
    for (const [key, tree] of cursor.tree.entries) {
      const value = decode(cursor.at(key, tree));
      if (value !== undefined) result.push([key, value]);
    }
    return Object.fromEntries(result);
  };
}

function printValue(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
