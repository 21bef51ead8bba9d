import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";

/** A server on the loopback interface. */
export interface LocalServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a server. */
export async function listen(listener: RequestListener): Promise<LocalServer> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Client of the provider below. */
export const client = { clientId: "shop", clientSecret: "a secret: of/the test" };

/** A real OpenID Connect provider, at which everybody is Ann and agrees. */
export interface TestProvider extends LocalServer {
  /** Requests of its token endpoint. */
  tokenRequests(): number;
  /** Whose token this is. */
  ownerOf(token: string): Promise<string | undefined>;
  /** Until then people do not agree. */
  agree(agrees: boolean): void;
  /** Lets no refresh token work any more. */
  revoke(): Promise<void>;
}

/** What a test may want of the provider. */
export interface ProviderOptions {
  readonly redirectUrl: string;
  readonly method?: "client_secret_basic" | "client_secret_post" | "none";
  readonly refreshTokens?: boolean;
}

/** Starts a provider. */
export async function startProvider({
  redirectUrl,
  method = "client_secret_basic",
  refreshTokens = false,
}: ProviderOptions): Promise<TestProvider> {
  let tokenRequests = 0;
  let agrees = true;
  const grants = new Set<string>();
  let listener: RequestListener = () => undefined;
  const server = await listen((request, response) => listener(request, response));
  const provider = new Provider(server.url, {
    clients: [
      {
        client_id: client.clientId,
        ...(method === "none" ? {} : { client_secret: client.clientSecret }),
        token_endpoint_auth_method: method,
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        redirect_uris: [redirectUrl],
      },
    ],
    scopes: ["openid", "orders"],
    cookies: { keys: ["of the test"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    issueRefreshToken: async () => refreshTokens,
    rotateRefreshToken: false,
    ttl: { AccessToken: 600, RefreshToken: 86_400, AuthorizationCode: 60 },
    loadExistingGrant: async ({ oidc }) => {
      const known = oidc.session?.grantIdFor(oidc.client?.clientId ?? "");
      const previous = known === undefined ? undefined : await provider.Grant.find(known);
      if (previous !== undefined) return previous;
      const grant = new provider.Grant({
        clientId: oidc.client?.clientId ?? "",
        accountId: oidc.session?.accountId ?? "",
      });
      grant.addOIDCScope("openid orders");
      grants.add(await grant.save());
      return grant;
    },
  });
  const handle = provider.callback();
  listener = (request, response) => {
    if (request.url?.startsWith("/token")) tokenRequests += 1;
    if (!request.url?.startsWith("/interaction/")) return void handle(request, response);
    const result = agrees ? { login: { accountId: "ann" } } : { error: "access_denied" };
    return void provider.interactionFinished(request, response, result);
  };
  return {
    ...server,
    tokenRequests: () => tokenRequests,
    ownerOf: async (token) => (await provider.AccessToken.find(token))?.accountId,
    agree: (value) => {
      agrees = value;
    },
    revoke: async () => {
      for (const id of grants) await (await provider.Grant.find(id))?.destroy();
    },
  };
}
