/** What becomes of a component. */
export type ComponentCategory = "middleware" | "out-of-scope" | "unknown";

/** Dapr's building blocks beside service invocation. `dapr init` writes some of them for every app. */
const outOfScope: readonly string[] = [
  "state",
  "pubsub",
  "bindings",
  "secretstores",
  "lock",
  "configuration",
  "crypto",
  "conversation",
  "workflow",
];

/** Sorts a component by the first part of its type. */
export function categoryOf(type: string): ComponentCategory {
  const dot = type.indexOf(".");
  const category = dot < 0 ? "" : type.slice(0, dot);
  if (category === "middleware") return "middleware";
  return outOfScope.includes(category) ? "out-of-scope" : "unknown";
}
