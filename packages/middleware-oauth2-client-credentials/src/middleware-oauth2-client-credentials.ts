import {
  type ComponentFactory,
  decodedPath,
  type HeaderList,
  type HttpMiddlewareComponent,
  parseOptions,
  plainAnswer,
} from "@outrigger/core";
import { type MiddlewareOAuth2ClientCredentialsOptions, schema } from "./options.ts";
import { SharedToken } from "./shared-token.ts";
import { TokenEndpoint } from "./token-endpoint.ts";

export type { MiddlewareOAuth2ClientCredentialsOptions } from "./options.ts";

/** Answer while there is no token: the request does not go on without one. */
const noToken = plainAnswer(502, "Bad Gateway");

/** Adds a token of an OAuth 2.0 provider to requests, got with the client's own credentials. */
export function middlewareOAuth2ClientCredentials(
  options: MiddlewareOAuth2ClientCredentialsOptions,
): ComponentFactory<HttpMiddlewareComponent> {
  const settings = parseOptions("middleware-oauth2-client-credentials", schema, options);
  const { headerName, pathFilter, renewBeforeMs } = settings;
  return ({ log, now }) => {
    const endpoint = new TokenEndpoint(settings);
    const token = new SharedToken({
      fetch: (signal) => endpoint.fetch(signal),
      renewBeforeMs,
      log,
      now,
    });
    return {
      name: "middleware-oauth2-client-credentials",
      stop: async () => token.stop(),
      handle: async (request, next) => {
        if (pathFilter?.test(decodedPath(request.path)) === false) return next(request);
        let value: string;
        try {
          value = await token.header(request.signal);
        } catch {
          request.signal.throwIfAborted();
          return noToken;
        }
        return next({ ...request, headers: withHeader(request.headers, headerName, value) });
      },
    };
  };
}

/** What the client sent under this name would stand before the token, so it goes. */
function withHeader(headers: HeaderList, name: string, value: string): HeaderList {
  const lower = name.toLowerCase();
  const kept = headers.filter((_text, index) => {
    return headers[index - (index % 2)]?.toLowerCase() !== lower;
  });
  return [...kept, name, value];
}
