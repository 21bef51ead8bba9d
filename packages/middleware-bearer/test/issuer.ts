import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { Provider } from "oidc-provider";

/** A real OpenID Connect provider on the loopback interface. */
export interface Issuer {
  readonly url: string;
  readonly server: Server;
  /** An access token for an audience. */
  token(audience: string): Promise<string>;
  /** Further tokens are signed with another key. */
  roll(): Promise<void>;
  close(): Promise<void>;
}

const client = { id: "caller", secret: "a-secret-of-the-test" };

/** Starts a provider. */
export async function startIssuer(): Promise<Issuer> {
  let count = 0;
  const newKey = async (): Promise<JWK> => {
    count += 1;
    const { privateKey } = await generateKeyPair("RS256", { extractable: true });
    return { ...(await exportJWK(privateKey)), kid: `key-${count}`, alg: "RS256", use: "sig" };
  };
  let handle: ReturnType<Provider["callback"]>;
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const roll = async (): Promise<void> => {
    handle = providerOf(url, await newKey()).callback();
  };
  await roll();
  return {
    url,
    server,
    roll,
    token: (audience) => fetchToken(url, audience),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function providerOf(url: string, key: JWK): Provider {
  return new Provider(url, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ["of the test"] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: "",
          audience: resource.replace("urn:", ""),
          accessTokenFormat: "jwt",
          accessTokenTTL: 3_600,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
}

async function fetchToken(url: string, audience: string): Promise<string> {
  const response = await fetch(`${url}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials", resource: `urn:${audience}` }),
  });
  const { access_token: token } = (await response.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`no token: ${response.status}`);
  return token;
}
