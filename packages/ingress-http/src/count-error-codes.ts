import { cleanPath, type HttpHandler, type HttpRequest, type HttpResponse } from "@outrigger/core";

/**
 * Tells the code of each error answer. As in Dapr a failing answer of an app counts as well, unless
 * the request came as a stream, whose answer Dapr passes on unread.
 */
export function countErrorCodes(
  handler: HttpHandler,
  onErrorCode: (code: string) => void,
): HttpHandler {
  return async (request) => {
    const response = await handler(request);
    if ("errorCode" in response) onErrorCode(String(response.errorCode));
    else if (isFailureOfApp(request, response)) onErrorCode("ERR_DIRECT_INVOKE");
    return response;
  };
}

function isFailureOfApp(request: HttpRequest, { status }: HttpResponse): boolean {
  if ((status >= 200 && status < 400) || request.bodyLength === undefined) return false;
  return cleanPath(request.originalPath ?? request.path).startsWith("/v1.0/invoke/");
}
