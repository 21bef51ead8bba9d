import { PathPatterns } from "./path-patterns.ts";

/** How paths become labels. */
export interface PathOptions {
  /** Paths as they are, where no pattern takes them. Default true, as Dapr 1.18. */
  readonly increasedCardinality?: boolean;
  /** Patterns in the syntax of Go's `ServeMux`. */
  readonly pathMatching?: readonly string[];
}

/** Kept as they are whatever the settings are. */
const staticPaths = new Set(["/dapr/config", "/dapr/metrics", "/dapr/subscribe", "/healthz"]);

/**
 * Makes the function that gives the label of a decoded path (Dapr
 * `pkg/diagnostics/http_monitoring_path_matching.go`).
 * @throws OutriggerError for patterns that cannot be told apart.
 */
export function pathLabels(options: PathOptions): (path: string) => string {
  const { increasedCardinality = true, pathMatching = [] } = options;
  const patterns = pathMatching.length === 0 ? undefined : new PathPatterns(pathMatching);
  return (given) => {
    const path = normalPath(given);
    if (staticPaths.has(path)) return path;
    const matched = patterns?.match(path);
    if (matched !== undefined) return matched;
    const converted = lowVariance(path);
    if (patterns !== undefined && converted !== path) {
      const second = patterns.match(converted);
      if (second !== undefined && second !== "/") return second;
    }
    if (patterns?.hasCatchAll) return "/";
    return increasedCardinality ? converted : "";
  };
}

/** With one leading slash, and none doubled. */
export function normalPath(path: string): string {
  const rooted = path.startsWith("/") ? path : `/${path}`;
  return rooted.includes("//") ? rooted.replace(/\/{2,}/g, "/") : rooted;
}

/** Takes ids out of the paths of other building blocks, by position alone (Dapr does just that). */
function lowVariance(path: string): string {
  const parts = splitAtMost(path.slice(1), 6);
  const [first, second, third, fourth] = parts;
  if (first === undefined || second === undefined || third === undefined) return path;
  if (first === "actors") return ["actors", second, "{id}", ...parts.slice(3)].join("/");
  switch (second) {
    case "state":
    case "secrets":
      return `/${first}/${second}/${third}`;
    case "actors":
      return parts.length < 5 ? path : `/${first}/${second}/${third}/{id}/${parts[4]}`;
    case "workflows":
      return workflowPath(parts, path, fourth);
    default:
      return path;
  }
}

function workflowPath(parts: readonly string[], path: string, fourth: string | undefined): string {
  const [first, second, third, , action] = parts;
  if (fourth === undefined) return path;
  const instance = `/${first}/${second}/${third}/{instanceId}`;
  if (action === undefined) return instance;
  if (action === "raiseEvent" && parts.length > 5) return `${instance}/${action}/{eventName}`;
  return parts.length > 5 ? path : `${instance}/${action}`;
}

/** Splits at the first slashes; the last part keeps the rest. */
function splitAtMost(text: string, parts: number): readonly string[] {
  const all = text.split("/");
  return all.length <= parts ? all : [...all.slice(0, parts - 1), all.slice(parts - 1).join("/")];
}
