import type { HeaderList } from "@outrigger/core";

/** Headers that belong to one hop: each side of a proxy writes its own. */
const ofRequests: ReadonlySet<string> = new Set([
  "content-type",
  "grpc-message-type",
  "grpc-timeout",
  "host",
  "te",
  // An app sees its sidecar's own, as with Dapr.
  "user-agent",
]);

const ofResponses: ReadonlySet<string> = new Set(["content-type", "grpc-message", "grpc-status"]);

const none: ReadonlySet<string> = new Set();

/** Metadata of a request as it was received: everything but the pseudo headers. */
export function receivedMetadata(headers: HeaderList): HeaderList {
  return without(headers, none);
}

/** What a client wrote, without what the protocol adds on every hop. */
export function requestMetadata(headers: HeaderList): HeaderList {
  return without(headers, ofRequests);
}

/** What an app wrote into headers or trailers, without what the protocol adds on every hop. */
export function responseMetadata(headers: HeaderList): HeaderList {
  return without(headers, ofResponses);
}

function without(list: HeaderList, names: ReadonlySet<string>): HeaderList {
  const kept: string[] = [];
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] as string;
    if (!name.startsWith(":") && !names.has(name)) kept.push(name, list[index + 1] as string);
  }
  return kept;
}
