import { isBuffered } from "@outrigger/core";
import type { EngineRequest } from "./engine-answer.ts";

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Only what is safe to do twice is sent again (RFC 9110 section 9.2.2; Go's transport agrees). */
export function isRepeatable({ head, body, signal }: EngineRequest): boolean {
  return isBuffered(body) && safeMethods.has(head.method) && !signal.aborted;
}
