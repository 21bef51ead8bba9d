import {
  type ComponentFactory,
  type ComponentMetadata,
  type HttpMiddlewareComponent,
  parseOptions,
} from "@outrigger/core";
import * as v from "valibot";
import { upperCased } from "./upper-cased.ts";

/** Options of `middlewareUppercase`. */
export interface MiddlewareUppercaseOptions {
  /** Whose bodies are changed. Default `request`. */
  readonly direction?: "request" | "response" | "both";
}

const schema = v.strictObject({
  direction: v.optional(
    v.picklist(["request", "response", "both"], "must be request, response or both"),
    "request",
  ),
});

/** Turns the letters a to z of bodies into capitals, as they pass. */
export function middlewareUppercase(
  options: MiddlewareUppercaseOptions = {},
): ComponentFactory<HttpMiddlewareComponent> {
  const { direction } = parseOptions("middleware-uppercase", schema, options);
  const changesRequest = direction !== "response";
  const changesResponse = direction !== "request";
  return () => ({
    name: "middleware-uppercase",
    handle: async (request, next) => {
      const passed = changesRequest ? { ...request, body: upperCased(request.body) } : request;
      const response = await next(passed);
      return changesResponse ? { ...response, body: upperCased(response.body) } : response;
    },
  });
}

/** Reads the settings as Dapr does: what is no known direction stands for `request`. */
export function uppercaseOptionsFromDapr(metadata: ComponentMetadata): MiddlewareUppercaseOptions {
  const { direction } = metadata;
  return direction === "response" || direction === "both" ? { direction } : {};
}
