import { OutriggerError } from "@outrigger/core";

/** What a path is replaced by. */
export interface AliasMatch {
  readonly path: string;
  /** Captured segments, as a query; may be empty. */
  readonly query: string;
}

interface Pattern {
  readonly expression: RegExp;
  readonly names: readonly string[];
  readonly target: Target;
}

interface Target {
  readonly path: string;
  readonly query: string;
}

/** Finds the alias of a path: one without variables first, then in the order of the list. */
export class RouteTable {
  readonly #exact = new Map<string, Target>();
  readonly #patterns: Pattern[] = [];

  /** @throws OutriggerError `OTR_OPTIONS_INVALID` for a path with unbalanced braces. */
  constructor(routes: Readonly<Record<string, string>>) {
    for (const [path, target] of Object.entries(routes)) {
      if (/[{}]/.test(path)) this.#patterns.push(patternOf(path, targetOf(target)));
      else this.#exact.set(path, targetOf(target));
    }
  }

  find(path: string): AliasMatch | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact;
    for (const { expression, names, target } of this.#patterns) {
      const match = expression.exec(path);
      if (match === null) continue;
      const pairs = names.map((name, index) => `${name}=${forQuery(match[index + 1] ?? "")}`);
      const query = [target.query, ...pairs].filter((part) => part !== "").join("&");
      return { path: target.path, query };
    }
    return undefined;
  }
}

function targetOf(target: string): Target {
  const question = target.indexOf("?");
  if (question < 0) return { path: target, query: "" };
  return { path: target.slice(0, question), query: target.slice(question + 1) };
}

function patternOf(path: string, target: Target): Pattern {
  const names: string[] = [];
  const source = path.split(/(\{[^{}/]+\})/).map((part) => {
    if (part.startsWith("{") && part.endsWith("}")) {
      names.push(encodeURIComponent(part.slice(1, -1)));
      return "([^/]+)";
    }
    if (/[{}]/.test(part)) {
      throw new OutriggerError(`mux: unbalanced braces in ${JSON.stringify(path)}`, {
        code: "OTR_OPTIONS_INVALID",
      });
    }
    return part.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  });
  return { expression: new RegExp(`^${source.join("")}$`), names, target };
}

/** A path's segment is escaped already, but not these, which mean something in a query. */
function forQuery(segment: string): string {
  return segment.replace(/[&+=;]/g, (character) => encodeURIComponent(character));
}
