import { globMatcher } from "./glob.ts";

/** What an operation of a policy allows or denies. */
export interface OperationRule {
  /** The pattern as it was written. */
  readonly pattern: string;
  readonly allowed: boolean;
  readonly verbs: ReadonlySet<string>;
}

interface Node {
  readonly segment: string;
  readonly matches: (segment: string) => boolean;
  readonly children: Node[];
  rule: OperationRule | undefined;
}

/**
 * Patterns of one policy, as a tree of path segments (Dapr `pkg/config/acl_trie.go`). Siblings keep
 * the order in which they were declared, and the first that fits is followed without going back.
 */
export class OperationTree {
  readonly #roots: Node[] = [];

  /** @returns false when an earlier pattern of the same text keeps its place. */
  add(path: string, rule: OperationRule): boolean {
    let siblings = this.#roots;
    let node: Node | undefined;
    for (const segment of segmentsOf(path)) {
      node = siblings.find((each) => each.segment === segment);
      if (node === undefined) {
        node = { segment, matches: globMatcher(segment), children: [], rule: undefined };
        siblings.push(node);
      }
      siblings = node.children;
    }
    if (node === undefined || node.rule !== undefined) return false;
    node.rule = rule;
    return true;
  }

  /**
   * The rule for a path. A rule also covers what lies below its path, and hides rules for it:
   * that is how Dapr reads them, and policies are written against it.
   */
  find(path: string): OperationRule | undefined {
    const segments = segmentsOf(path);
    let siblings = this.#roots;
    for (let index = 0; index < segments.length; index++) {
      const segment = segments[index] as string;
      const isLast = index === segments.length - 1;
      const node = siblings.find((each) => fits(each, segment, isLast));
      if (node === undefined) return undefined;
      if (node.rule !== undefined && (isLast || segment !== "*")) return node.rule;
      if (isLast) return wildcardBelow(node);
      siblings = node.children;
    }
    return undefined;
  }
}

function segmentsOf(path: string): readonly string[] {
  return (path.startsWith("/") ? path.slice(1) : path).split("/");
}

function fits(node: Node, segment: string, isLast: boolean): boolean {
  if (node.segment === segment) return true;
  // A single star stands for exactly one segment, the last one.
  if (node.segment === "*") return isLast;
  return node.segment === "**" || node.matches(segment);
}

/** `/op/*` and `/op/**` cover `/op` too. */
function wildcardBelow(node: Node): OperationRule | undefined {
  return node.children.find(({ segment }) => segment === "*" || segment === "**")?.rule;
}
