import type { ComponentFactory, HttpMiddlewareComponent } from "@outrigger/core";
import { metadataValue, OutriggerError } from "@outrigger/core";

// The names that a sidecar looks for when a Component says `type: middleware.http.npm:my-stamp`.
export { middlewareStamp as middleware, stampOptionsFromMetadata as optionsFromMetadata };

/** Stamps requests with a header, and answers those to `/closed` itself. */
export function middlewareStamp(options: {
  readonly value: string;
}): ComponentFactory<HttpMiddlewareComponent> {
  if (!options.value) throw new OutriggerError("value is missing", { code: "OTR_OPTIONS_INVALID" });
  return ({ log }) => ({
    name: "my-stamp",
    handle: async (request, next) => {
      if (request.path === "/closed") {
        return { status: 403, headers: [], body: new TextEncoder().encode("closed\n") };
      }
      const headers = [...request.headers, "X-Stamp", options.value];
      const response = await next({ ...request, headers });
      log.log("debug", `${request.path} was stamped, and answered with ${response.status}`);
      return response;
    },
  });
}

/** The settings of a Component are text, and their names match in any case. */
function stampOptionsFromMetadata(metadata: Readonly<Record<string, string>>): { value: string } {
  return { value: metadataValue(metadata, "value") ?? "" };
}
