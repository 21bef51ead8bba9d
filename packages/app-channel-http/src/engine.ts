import type { Body, HeaderList } from "@outrigger/core";
import type { RequestHead } from "./request-head.ts";

/** What the app answered, before any conversion. */
export interface EngineResponse {
  readonly status: number;
  /** As received. */
  readonly headers: HeaderList;
  readonly body: Body;
}

/** The seam to Node's HTTP clients: our own shapes in and out, and nothing above depends on them. */
export interface Engine {
  /**
   * Sends one request. @param onClose called once, when nothing of the exchange is left.
   * @throws Node's errors, and those of the body.
   */
  exchange(
    head: RequestHead,
    body: Body,
    signal: AbortSignal,
    onClose: () => void,
  ): Promise<EngineResponse>;
  /** Ends all connections. */
  close(): void;
}
