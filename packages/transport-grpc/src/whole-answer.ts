import type { HeaderList } from "@outrigger/core";

const name = "outrigger-answer";
const value = "whole";

/** How the clients of this package name themselves. */
const ourUserAgent = /^outrigger(?:\/|$)/;

/**
 * Response metadata of an answer that its first message holds to the end. A caller need not wait for
 * the trailers, and a sidecar that is killed before it could send them costs no call. Dapr's
 * sidecars do not send it.
 */
export const wholeAnswerMetadata: HeaderList = [name, value];

/** Dapr's sidecars get the metadata that Dapr's would send, and no other. */
export function knowsWholeAnswers(userAgent: string | undefined): boolean {
  return userAgent !== undefined && ourUserAgent.test(userAgent);
}

/** Whether the peer said that the first message is all. */
export function isWholeAnswer(rawHeaders: HeaderList): boolean {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index] === name) return rawHeaders[index + 1] === value;
  }
  return false;
}
