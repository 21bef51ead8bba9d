import type { InvokeRequest, InvokeResponse } from "./call.ts";
import type { Component } from "./component.ts";

/** A target outside the mesh: a configured endpoint by its name, or a URL as the caller wrote it. */
export type ExternalTarget =
  | { readonly kind: "endpoint"; readonly name: string }
  | { readonly kind: "url"; readonly url: string };

/** The way to servers that have no sidecar. */
export interface ExternalTargets extends Component {
  /** Whether a name stands for an endpoint. It then hides the app of the same name, as in Dapr. */
  hasEndpoint(name: string): boolean;
  /** Base URL of an endpoint, which its circuit breaker is known by. */
  baseUrl?(name: string): string | undefined;
  /**
   * Calls the server. Its answer, whatever the status, is a response. The call's `target` is the id
   * as the caller wrote it; the method is normalised.
   * @throws OutriggerError `OTR_EXTERNAL_UNREACHABLE` when no connection comes about,
   *   `OTR_EXTERNAL_FAILED` when the server breaks off or the endpoint's settings are unusable,
   *   `OTR_TARGET_INVALID` for a URL that is none, `OTR_METHOD_INVALID` when no request can be built.
   */
  deliver(call: InvokeRequest, target: ExternalTarget): Promise<InvokeResponse>;
}
