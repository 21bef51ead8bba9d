import type { HeaderList, HttpPipeline, HttpRequest } from "@outrigger/core";
import type { HttpMiddleware } from "./http-middleware.ts";

/**
 * The user's handlers as one stage. A path that they change is not routed again: an invocation reads
 * the new one, fixed routes are found by the one that came (Dapr fixes the route's path before).
 */
export function userPipeline(pipeline: HttpPipeline): HttpMiddleware {
  return (next) => (request) => {
    if (pipeline.isEmpty) return next(request);
    return pipeline.run(request, (passed) => next(settled(passed, request)));
  };
}

function settled(passed: HttpRequest, received: HttpRequest): HttpRequest {
  if (passed === received) return received;
  const { path, bodyLength, headers } = passed;
  return {
    ...passed,
    ...(path === received.path ? {} : { originalPath: received.path }),
    ...(bodyLength === received.bodyLength ? {} : { headers: withLength(headers, bodyLength) }),
  };
}

/** The length that the client declared is not that of the body any more. */
function withLength(headers: HeaderList, bodyLength: number | undefined): HeaderList {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.toLowerCase() !== "content-length") kept.push(name, headers[index + 1] as string);
  }
  if (bodyLength !== undefined) kept.push("Content-Length", `${bodyLength}`);
  return kept;
}
