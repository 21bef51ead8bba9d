import {
  type ComponentContext,
  type ComponentFactory,
  decodedPath,
  errorText,
  type HeaderList,
  type HttpHandler,
  type HttpMiddlewareComponent,
  type HttpRequest,
  type HttpResponse,
  headerValue,
  parseOptions,
  plainAnswer,
} from "@outrigger/core";
import { ExpiringMap } from "./expiring-map.ts";
import { Logins } from "./logins.ts";
import { type MiddlewareOAuth2Options, type OAuth2Settings, schema } from "./options.ts";
import { Session } from "./session.ts";
import { SessionCookie } from "./session-cookie.ts";
import { TokenEndpoint, TokenFailure } from "./token-endpoint.ts";

export type { MiddlewareOAuth2Options } from "./options.ts";

/** Sends people to log in at an OAuth 2.0 provider, and adds their token to their requests. */
export function middlewareOAuth2(
  options: MiddlewareOAuth2Options,
): ComponentFactory<HttpMiddlewareComponent> {
  const settings = parseOptions("middleware-oauth2", schema, options);
  return (context) => new MiddlewareOAuth2(settings, context);
}

class MiddlewareOAuth2 implements HttpMiddlewareComponent {
  readonly name = "middleware-oauth2";
  readonly #settings: OAuth2Settings;
  readonly #context: ComponentContext;
  readonly #endpoint: TokenEndpoint;
  readonly #cookie: SessionCookie;
  readonly #logins: Logins;
  readonly #sessions: ExpiringMap<Session>;

  constructor(settings: OAuth2Settings, context: ComponentContext) {
    const { sessionIdleMs: idleMs, maxSessions: maxEntries } = settings;
    const { appId, now } = context;
    this.#settings = settings;
    this.#context = context;
    this.#endpoint = new TokenEndpoint(settings);
    this.#cookie = new SessionCookie(settings, appId);
    this.#logins = new Logins(settings, now);
    this.#sessions = new ExpiringMap({ idleMs, maxEntries, now });
  }

  async handle(request: HttpRequest, next: HttpHandler): Promise<HttpResponse> {
    const { pathFilter } = this.#settings;
    if (pathFilter?.test(decodedPath(request.path)) === false) return next(request);
    const id = this.#cookie.idIn(request.headers);
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (id !== undefined && session !== undefined) {
      const header = await this.#headerOf(session, id);
      if (header === "away") return plainAnswer(502, "Bad Gateway");
      if (header !== undefined) return next(this.#withToken(request, header));
    }
    const parameters = new URLSearchParams(request.query);
    const state = parameters.get("state") ?? "";
    if (state === "") return this.#begin(id, request);
    return this.#finish(id, state, parameters, request);
  }

  /** `undefined` when only another login helps. */
  async #headerOf(session: Session, id: string): Promise<string | "away" | undefined> {
    try {
      const header = await session.header();
      if (header === undefined) this.#sessions.delete(id);
      return header;
    } catch (reason) {
      this.#log(`Failed to refresh a token: ${errorText(reason)}`);
      if (!(reason instanceof TokenFailure && reason.refused)) return "away";
      this.#sessions.delete(id);
      return undefined;
    }
  }

  async #begin(id: string | undefined, request: HttpRequest): Promise<HttpResponse> {
    // An id that was not given out here may be known to others.
    const browser = id !== undefined && this.#logins.has(id) ? id : this.#cookie.newId();
    const page = await this.#logins.begin(browser, request);
    return redirect(page, this.#cookie.header(browser));
  }

  async #finish(
    id: string | undefined,
    state: string,
    parameters: URLSearchParams,
    request: HttpRequest,
  ): Promise<HttpResponse> {
    const login = this.#logins.take(id, state);
    if (id === undefined || login === "none") {
      this.#log("A login was answered that this browser has not begun, or begun too long ago");
      return plainAnswer(500, "Internal Server Error");
    }
    if (login === "unknown-state") return plainAnswer(400, "invalid state");
    const code = parameters.get("code") ?? "";
    if (code === "") {
      const words = JSON.stringify((parameters.get("error") ?? "").slice(0, 100));
      this.#log(`The provider answered a login without a code: ${words}`);
      return plainAnswer(400, "code not found");
    }
    try {
      const tokens = await this.#endpoint.redeem(code, login.verifier);
      this.#logins.forget(id);
      return redirect(this.#urlOf(login.returnTo, request), this.#open(tokens));
    } catch (reason) {
      this.#log(`Failed to exchange token: ${errorText(reason)}`);
      return plainAnswer(500, "Internal Server Error");
    }
  }

  /** A session has another id than the login had: nobody can have given it to the browser before. */
  #open(tokens: ConstructorParameters<typeof Session>[0]): HeaderList {
    const id = this.#cookie.newId();
    const refresh = (token: string) => this.#endpoint.refresh(token);
    this.#sessions.set(id, new Session(tokens, refresh, this.#context.now));
    return this.#cookie.header(id);
  }

  #urlOf(returnTo: string, { headers }: HttpRequest): string {
    const host = headerValue(headers, "host") ?? "";
    const isHost = /^[A-Za-z0-9.\-_:[\]]+$/.test(host);
    return this.#settings.forceHttps && isHost ? `https://${host}${returnTo}` : returnTo;
  }

  /** What the client sent under the header's name would stand before the token, so it goes. */
  #withToken(request: HttpRequest, value: string): HttpRequest {
    const { authHeaderName } = this.#settings;
    const lower = authHeaderName.toLowerCase();
    const headers = this.#cookie.removedFrom(request.headers).filter((_text, index, all) => {
      return all[index - (index % 2)]?.toLowerCase() !== lower;
    });
    return { ...request, headers: [...headers, authHeaderName, value] };
  }

  #log(text: string): void {
    this.#context.log.log("warn", `middleware-oauth2: ${text}`);
  }
}

function redirect(location: string, cookie: HeaderList): HttpResponse {
  return {
    status: 302,
    headers: ["Location", location, ...cookie, "Cache-Control", "no-store"],
    body: new Uint8Array(0),
  };
}
