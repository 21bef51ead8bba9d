import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Provider } from "oidc-provider";

/** A server on the loopback interface. */
export interface TokenServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A request of a token, as it came in. */
export interface TokenRequest {
  readonly authorization: string | undefined;
  readonly parameters: URLSearchParams;
}

/** Starts a server that answers requests of tokens as told, and counts them. */
export async function startTokenServer(
  answer: (request: TokenRequest, count: number) => Promise<readonly [number, unknown]>,
): Promise<TokenServer & { count(): number }> {
  let count = 0;
  const server = await listen(async (request, response) => {
    count += 1;
    const [status, body] = await answer(await tokenRequest(request), count);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  return { ...server, count: () => count };
}

async function tokenRequest(request: IncomingMessage): Promise<TokenRequest> {
  const parameters = new URLSearchParams(await text(request));
  return { authorization: request.headers.authorization, parameters };
}

/** Client of the provider below. */
export const client = { clientId: "orders", clientSecret: "a secret: of/the test" };

/** Starts a real OpenID Connect provider with one client that authenticates as told. */
export async function startProvider(
  method: "client_secret_basic" | "client_secret_post",
): Promise<TokenServer & { isKnown(token: string): Promise<string | undefined> }> {
  let handle: ReturnType<Provider["callback"]> = () => Promise.resolve();
  const server = await listen((request, response) => void handle(request, response));
  const provider = new Provider(server.url, {
    clients: [
      {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        token_endpoint_auth_method: method,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    scopes: ["stock.read", "stock.write"],
    ttl: { ClientCredentials: 600 },
    cookies: { keys: ["of the test"] },
    features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true } },
  });
  handle = provider.callback();
  return {
    ...server,
    isKnown: async (token) => (await provider.ClientCredentials.find(token))?.scope,
  };
}

async function listen(listener: RequestListener): Promise<TokenServer> {
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
