import type { Body, HeaderList } from "@outrigger/core";
import type { RequestHead } from "./request-head.ts";

/** What a server answered, before any conversion. */
export interface EngineAnswer {
  readonly status: number;
  /** As received. */
  readonly headers: HeaderList;
  readonly body: Body;
  /** Resolves when nothing more of the answer comes, however it ended. */
  readonly ended: Promise<void>;
}

/** One request on its way. */
export interface EngineRequest {
  readonly head: RequestHead;
  readonly body: Body;
  readonly signal: AbortSignal;
}

/** The code of a connection that ended where an answer was to come. */
export const brokenOffCode = "OTR_BROKEN_OFF";

/** The error of a connection that ended where an answer was to come. */
export function brokenOff(): Error {
  return Object.assign(new Error("the server broke off"), { code: brokenOffCode });
}
