import {
  type ComponentContext,
  type ComponentMetadata,
  errorText,
  type HttpMiddlewareComponent,
  OutriggerError,
} from "@outrigger/core";
import { functionIn, isFunction } from "../packages/function-in.ts";
import { loadPackage, npmPrefix } from "../packages/load-package.ts";

type Exports = Readonly<Record<string, unknown>>;

/** A middleware as a Component document asks for it. */
export interface MiddlewareChoice {
  /** For example `middleware.http.uppercase`, or `middleware.http.npm:<package>`. */
  readonly type: string;
  readonly version: string;
  readonly metadata: ComponentMetadata;
  /** Packages are looked for from the folder of this file, too. */
  readonly file: string;
}

const prefix = "middleware.http.";

/** Loaded when they are used: a sidecar does not pay for what no document names. */
const builtIns: ReadonlyMap<string, () => Promise<Exports>> = new Map<
  string,
  () => Promise<Exports>
>([
  ["bearer", () => import("@outrigger/middleware-bearer")],
  ["oauth2", () => import("@outrigger/middleware-oauth2")],
  ["oauth2clientcredentials", () => import("@outrigger/middleware-oauth2-client-credentials")],
  ["opa", () => import("@outrigger/middleware-opa")],
  ["ratelimit", () => import("@outrigger/middleware-rate-limit")],
  ["routeralias", () => import("@outrigger/middleware-router-alias")],
  ["routerchecker", () => import("@outrigger/middleware-router-checker")],
  ["uppercase", () => import("@outrigger/middleware-uppercase")],
  // Ours, under a name that no component of Dapr's can get.
  ["outrigger.faultinjection", () => import("@outrigger/middleware-fault-injection")],
]);

/** Types that Dapr has. */
const notYet: readonly string[] = ["sentinel", "wasm"];

/** Versions that mean the only one there is (Dapr `pkg/components/components.go`). */
const versions: readonly string[] = ["", "v0", "v1"];

/**
 * Makes a middleware; it is not started.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when there is none of this type, in Dapr's words, or
 *   its settings are wrong.
 */
export async function loadMiddleware(
  choice: MiddlewareChoice,
  context: ComponentContext,
): Promise<HttpMiddlewareComponent> {
  const { type, metadata } = choice;
  const exports = await exportsOf(choice);
  const factory = functionIn(exports, "middleware");
  if (factory === undefined) {
    const names = Object.keys(exports).join(", ") || "nothing";
    throw invalid(
      `${type}: the package exports no function named middleware (it exports ${names}): it is no middleware package, or it must add "export { yourFactory as middleware }"`,
    );
  }
  const convert = functionIn(exports, "optionsFromMetadata");
  const component = inDaprsWords(choice, () => {
    const make = factory(convert === undefined ? metadata : convert(metadata));
    return isFunction(make) ? make(context) : undefined;
  });
  if (isMiddleware(component)) return component;
  throw invalid(
    `${type}: middleware(options) must return a function that takes the context and returns an object with name and handle(request, next)`,
  );
}

/** The error of a middleware that cannot be made, or started, as Dapr's registry tells it. */
export function creationError(
  { type, version }: Pick<MiddlewareChoice, "type" | "version">,
  cause: unknown,
): OutriggerError {
  const text = `error creating HTTP middleware ${type}/${version || "v1"}: ${errorText(cause)}`;
  return new OutriggerError(text, { code: "OTR_OPTIONS_INVALID", cause });
}

function inDaprsWords<T>(choice: MiddlewareChoice, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw creationError(choice, cause);
  }
}

async function exportsOf({ type, version, file }: MiddlewareChoice): Promise<Exports> {
  const lower = type.toLowerCase();
  if (lower.startsWith(`${prefix}${npmPrefix}`)) return (await loadPackage(type, [file])).exports;
  const name = lower.startsWith(prefix) ? lower.slice(prefix.length) : "";
  const load = builtIns.get(name);
  if (load !== undefined && versions.includes(version.toLowerCase())) return load();
  const missing = `HTTP middleware ${type}/${version || "v1"} has not been registered`;
  if (!notYet.includes(name)) throw invalid(missing);
  throw invalid(
    `${missing}: it is not available in this version of Outrigger yet; a package can stand in for it (${prefix}${npmPrefix}<package>)`,
  );
}

function isMiddleware(value: unknown): value is HttpMiddlewareComponent {
  if (typeof value !== "object" || value === null) return false;
  const { name, handle } = value as Partial<HttpMiddlewareComponent>;
  return typeof name === "string" && isFunction(handle);
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
