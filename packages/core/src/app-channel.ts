import type { InvokeResponse, ReceivedCall } from "./call.ts";
import type { Component, ComponentContext, ComponentFactory } from "./component.ts";

/** How the sidecar speaks to its app. */
export type AppProtocol = "http" | "https" | "h2c" | "grpc" | "grpcs";

/** The way to the local app. */
export interface AppChannel extends Component {
  readonly protocol: AppProtocol;
  /**
   * Calls the app. An answer of the app, whatever its status, is a response.
   * @throws OutriggerError `OTR_APP_UNREACHABLE` when the app does not accept the call,
   *   `OTR_APP_FAILED` when it breaks off, `OTR_METHOD_INVALID` when no request can be built.
   */
  deliver(call: ReceivedCall): Promise<InvokeResponse>;
  /** Resolves when the app accepts connections; rejects only when the signal aborts. */
  waitUntilListening?(signal: AbortSignal): Promise<void>;
  /** Tells the app that the sidecar is up, as Dapr does with `GET /dapr/config`. Never rejects. */
  greet?(signal: AbortSignal): Promise<void>;
  /** One health probe. Resolves to whether the app is healthy; rejects only on abort. */
  probe?(path: string, timeoutMs: number, signal: AbortSignal): Promise<boolean>;
}

/** An app that lives in the same process: the app channel without a network. */
export function appFunction(
  handler: (call: ReceivedCall) => Promise<InvokeResponse>,
): ComponentFactory<AppChannel> {
  return (_context: ComponentContext) => ({
    name: "app-function",
    protocol: "http",
    deliver: handler,
  });
}
