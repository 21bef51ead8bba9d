import type { IncomingMessage } from "node:http";
import type { Answer } from "./response-body.ts";

/** An answer over HTTP/1.1. */
export class Http1Answer implements Answer {
  readonly stream: IncomingMessage;

  constructor(stream: IncomingMessage) {
    this.stream = stream;
  }

  get declaredLength(): string | undefined {
    return this.stream.headers["content-length"];
  }

  /**
   * Dapr passes on an answer shorter than declared as a whole one (recorded Dapr behaviour); one
   * without a length, as events are, has no other end than its own once it streams.
   */
  failure(reason: Error | undefined, isStreaming: boolean, isGivenUp: boolean): Error | undefined {
    if (reason === undefined || isGivenUp) return reason;
    const isDeclared = this.declaredLength !== undefined;
    return isEarlyEnd(reason) && (isDeclared || !isStreaming) ? undefined : reason;
  }

  cancel(): void {
    this.stream.destroy();
  }
}

function isEarlyEnd(reason: Error): boolean {
  const { code } = reason as { code?: string };
  return code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE";
}
