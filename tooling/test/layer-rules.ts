/** Which layer a package belongs to. */
export type Layer = "core" | "protocol" | "engine" | "component" | "conformance" | "app";

const scope = "@outrigger/";
const componentName =
  /^(?:resolver|transport|ingress|egress|app-channel|identity|access|middleware|tracing|metrics|logging)(?:-|$)|^(?:balancers|resources|resiliency|certificate-authority|call-graph)$/;
const usesEngine = /^(?:transport|ingress|app-channel|identity)-|^certificate-authority$/;

/** @throws Error for a name that no layer claims: a new kind of package is decided here first. */
export function layerOf(name: string, folder: string): Layer {
  if (folder.startsWith("apps/")) return "app";
  const short = shortName(name);
  if (short === "core" || short === "protocol" || short === "conformance") return short;
  if (short === "grpc-http2" || short === "spiffe") return "engine";
  if (componentName.test(short)) return "component";
  throw new Error(`${name} belongs to no layer; add it to tooling/test/layer-rules.ts`);
}

/** Whether `from` may import `to` at run time. */
export function arrowAllowed(from: string, fromLayer: Layer, to: string, toLayer: Layer): boolean {
  switch (fromLayer) {
    case "core":
      return false;
    case "protocol":
    case "engine":
    case "conformance":
      return to === `${scope}core`;
    case "component":
      if (toLayer === "engine") return usesEngine.test(shortName(from));
      if (to === `${scope}tracing`) return from.startsWith(`${scope}tracing-`);
      return toLayer === "core" || toLayer === "protocol";
    case "app":
      // The console is an app of its own and a command of the program.
      if (toLayer === "app") return from === "outrigger" && to === `${scope}console`;
      return toLayer !== "conformance";
  }
}

/** `resolver-mdns` of `@outrigger/resolver-mdns`. */
export function shortName(name: string): string {
  return name.startsWith(scope) ? name.slice(scope.length) : name;
}

const specifier =
  /^\s*(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;

/** The module specifiers that a source file imports or re-exports. */
export function importsOf(source: string): string[] {
  return [...source.matchAll(specifier)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

/** `@scope/name` or `name` of a specifier that points outside the package, else undefined. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith(".") || specifier.startsWith("node:")) return undefined;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
