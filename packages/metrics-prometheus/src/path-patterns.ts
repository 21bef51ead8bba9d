import { OutriggerError } from "@outrigger/core";

/** One segment of a pattern. */
type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "one" }
  /** Everything that follows, nothing included. */
  | { readonly kind: "rest" };

interface Pattern {
  readonly label: string;
  readonly segments: readonly Segment[];
}

interface Node {
  readonly literals: Map<string, Node>;
  one: Node | undefined;
  /** Of a pattern that ends here. */
  exact: string | undefined;
  /** Of a pattern that takes whatever follows. */
  rest: string | undefined;
}

/** Prefix of calls; patterns for methods of apps are registered behind it as well. */
const invokePrefix = "/v1.0/invoke/";
const anyAppPrefix = "/v1.0/invoke/{app_id}/method";

/**
 * Patterns as Go's `ServeMux` (1.22) reads them: `{name}` is one segment, `{name...}` the rest,
 * `{$}` the exact end, a trailing slash everything below. The most specific one wins.
 */
export class PathPatterns {
  readonly hasCatchAll: boolean;
  readonly #root: Node = emptyNode();

  /** @throws OutriggerError `OTR_OPTIONS_INVALID` for a pattern that is none, or two that overlap. */
  constructor(patterns: readonly string[]) {
    const labels = new Set<string>();
    for (const given of patterns) {
      if (given === "") continue;
      const label = normal(given);
      labels.add(label);
      if (!label.startsWith(invokePrefix) && label !== "/") labels.add(`${anyAppPrefix}${label}`);
    }
    this.hasCatchAll = labels.has("/");
    const parsed = [...labels].filter((label) => label !== "/").map(parse);
    refuseOverlaps(parsed);
    for (const pattern of parsed) insert(this.#root, pattern);
  }

  /** The pattern of a normal path; the catch-all does not count. */
  match(path: string): string | undefined {
    return find(this.#root, path.slice(1).split("/"), 0);
  }
}

function emptyNode(): Node {
  return { literals: new Map(), one: undefined, exact: undefined, rest: undefined };
}

function normal(pattern: string): string {
  return `/${pattern}`.replace(/\/{2,}/g, "/");
}

function parse(label: string): Pattern {
  const parts = label.slice(1).split("/");
  const segments: Segment[] = [];
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const wildcard = /^\{([^{}]*)\}$/.exec(part)?.[1];
    if (isLast && part === "") segments.push({ kind: "rest" });
    else if (isLast && wildcard === "$") segments.push({ kind: "literal", text: "" });
    else if (isLast && wildcard?.endsWith("...")) segments.push({ kind: "rest" });
    else if (wildcard !== undefined && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(wildcard)) {
      segments.push({ kind: "one" });
    } else if (/[{}]/.test(part)) throw invalid(`"${label}" has a bad wildcard: ${part}`);
    else segments.push({ kind: "literal", text: part });
  }
  return { label, segments };
}

function insert(root: Node, { label, segments }: Pattern): void {
  let node = root;
  for (const segment of segments) {
    if (segment.kind === "rest") {
      node.rest = label;
      return;
    }
    node = childOf(node, segment);
  }
  node.exact = label;
}

function childOf(node: Node, segment: Exclude<Segment, { readonly kind: "rest" }>): Node {
  if (segment.kind === "one") {
    node.one ??= emptyNode();
    return node.one;
  }
  const known = node.literals.get(segment.text);
  if (known !== undefined) return known;
  const child = emptyNode();
  node.literals.set(segment.text, child);
  return child;
}

/** Literals before wildcards before the rest: with no overlaps the most specific pattern. */
function find(node: Node, parts: readonly string[], index: number): string | undefined {
  if (index === parts.length) return node.exact;
  const part = parts[index] as string;
  const literal = node.literals.get(part);
  const found = literal && find(literal, parts, index + 1);
  if (found !== undefined) return found;
  const byOne =
    part === "" || node.one === undefined ? undefined : find(node.one, parts, index + 1);
  return byOne ?? node.rest;
}

/** Two patterns that share a path must be nested in each other, as in Go. */
function refuseOverlaps(patterns: readonly Pattern[]): void {
  for (const [index, one] of patterns.entries()) {
    for (const other of patterns.slice(index + 1)) {
      const relation = compare(one.segments, other.segments);
      if (relation !== "overlaps" && relation !== "equal") continue;
      throw invalid(
        `"${one.label}" and "${other.label}" match the same paths and neither is more specific`,
      );
    }
  }
}

type Relation = "equal" | "disjoint" | "narrower" | "wider" | "overlaps";

function compare(one: readonly Segment[], other: readonly Segment[]): Relation {
  let relation: Relation = "equal";
  for (let index = 0; ; index++) {
    const left = one[index];
    const right = other[index];
    if (left === undefined && right === undefined) return relation;
    const step = compareSegments(left, right);
    if (step === "disjoint") return step;
    relation = joined(relation, step);
    if (left?.kind === "rest" || right?.kind === "rest") return relation;
  }
}

function compareSegments(left: Segment | undefined, right: Segment | undefined): Relation {
  if (left?.kind === "rest") return right?.kind === "rest" ? "equal" : atEnd(right, "wider");
  if (right?.kind === "rest") return atEnd(left, "narrower");
  if (left === undefined || right === undefined) return "disjoint";
  if (left.kind === "one") return right.kind === "one" ? "equal" : notEmpty(right, "wider");
  if (right.kind === "one") return notEmpty(left, "narrower");
  return left.text === right.text ? "equal" : "disjoint";
}

/** `/a/` does not take `/a`. */
function atEnd(segment: Segment | undefined, relation: Relation): Relation {
  return segment === undefined ? "disjoint" : relation;
}

/** A wildcard of one segment takes no empty one. */
function notEmpty(segment: Segment, relation: Relation): Relation {
  return segment.kind === "literal" && segment.text === "" ? "disjoint" : relation;
}

function joined(before: Relation, step: Relation): Relation {
  if (step === "equal" || before === step) return before;
  return before === "equal" ? step : "overlaps";
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(`metrics.http.pathMatching: ${message}`, {
    code: "OTR_OPTIONS_INVALID",
  });
}
