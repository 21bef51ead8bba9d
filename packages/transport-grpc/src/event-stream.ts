import type { HeaderList } from "@outrigger/core";

/**
 * Whether a call asks for server-sent events as Dapr recognises it: the canonical key `Accept` with
 * exactly this value (dapr/dapr `pkg/sse/sse.go`). Such answers are passed on chunk by chunk.
 */
export function wantsEventStream(metadata: HeaderList): boolean {
  for (let index = 0; index < metadata.length; index += 2) {
    if (metadata[index] !== "Accept") continue;
    return (metadata[index + 1] as string).trim().toLowerCase() === "text/event-stream";
  }
  return false;
}
