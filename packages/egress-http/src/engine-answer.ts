import type { Body, ByteString, HeaderList } from "@outrigger/core";
import type { RequestHead } from "./request-head.ts";

/** What a server answered, before any conversion. */
export interface EngineAnswer {
  readonly status: number;
  /** As received. */
  readonly headers: HeaderList;
  readonly body: Body;
}

/** One request on its way. */
export interface EngineRequest {
  readonly head: RequestHead;
  readonly body: Body;
  readonly signal: AbortSignal;
  /** Called once, when nothing of the exchange is left. */
  readonly onClose: () => void;
}

/** Bytes as text of one character each. */
export function byteString(bytes: Buffer): ByteString {
  return bytes.toString("latin1");
}
