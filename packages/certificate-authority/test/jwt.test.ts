import { createHash, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { request as requestHttps } from "node:https";
import { join } from "node:path";
import type { OidcServerSettings } from "@outrigger/certificate-authority";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { openssl } from "./openssl.ts";
import { sign, startAuthority, testFolder } from "./running-authority.ts";

const local = { host: "127.0.0.1", port: 0 };

test("issues a token for all audiences and one for each", async () => {
  const running = await startAuthority({ jwt: { issuer: "https://issuer.example" } });
  const { reply } = await sign(running, { jwtAudiences: ["one", "two"] });
  const jwks = JSON.parse(readFileSync(join(running.folder, "jwks.json"), "utf8"));
  const keys = createLocalJWKSet(jwks);
  const { payload } = await jwtVerify(reply?.jwt ?? "", keys, { algorithms: ["RS256"] });
  const now = Math.floor(Date.now() / 1_000);
  expect(payload).toEqual({
    jti: expect.stringMatching(/^[0-9a-f]{32}$/),
    sub: "spiffe://public/ns/default/orders",
    aud: ["public", "one", "two"],
    iss: "https://issuer.example",
    use: "sig",
    iat: expect.closeTo(now, -1),
    nbf: expect.closeTo(now - 900, -1),
    exp: expect.closeTo(now + 86_400, -1),
  });
  expect([...(reply?.perAudienceJwts.keys() ?? [])]).toEqual(["public", "one", "two"]);
  for (const [audience, token] of reply?.perAudienceJwts ?? []) {
    expect((await jwtVerify(token, keys)).payload.aud).toEqual([audience]);
  }
});

test("names its key by the thumbprint in padded base64", async () => {
  const running = await startAuthority({ jwt: {} });
  const { reply } = await sign(running);
  const { keys } = JSON.parse(readFileSync(join(running.folder, "jwks.json"), "utf8"));
  const [{ kid, alg, use, e, kty, n }] = keys;
  // RFC 7638 section 3: the required members in lexical order.
  const thumbprint = createHash("sha256").update(JSON.stringify({ e, kty, n })).digest("base64");
  expect({ kid, alg, use, kty }).toEqual({ kid: thumbprint, alg: "RS256", use: "sig", kty: "RSA" });
  expect(decodeProtectedHeader(reply?.jwt ?? "")).toMatchObject({ kid, alg: "RS256" });
  const text = openssl(["pkey", "-in", join(running.folder, "jwt.key"), "-noout", "-text"]);
  expect(text).toContain("2048 bit");
});

test.for(["ES384", "EdDSA", "PS256"])("makes a key that fits %s", async (algorithm) => {
  const running = await startAuthority({ jwt: { algorithm, keyId: "mine" } });
  const { reply } = await sign(running);
  expect(decodeProtectedHeader(reply?.jwt ?? "")).toMatchObject({ alg: algorithm, kid: "mine" });
});

describe("refuses to start when", () => {
  const bad = (name: string, text: string) => async (): Promise<string> => {
    const first = await startAuthority({ jwt: {} });
    await first.authority.stop();
    writeFileSync(join(first.folder, name), text);
    return first.folder;
  };

  test.for([
    ["the set is empty", bad("jwks.json", '{"keys":[]}'), "JWKS is empty"],
    [
      "the set has another key",
      bad("jwks.json", '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}'),
      "does not contain the public key",
    ],
    ["the key is none", bad("jwt.key", "nothing"), "failed to verify JWT bundle"],
  ] as const)("%s", async ([, make, message]) => {
    const folder = await make();
    await expect(startAuthority({ jwt: {} }, folder)).rejects.toThrow(message);
  });

  test("the algorithm does not fit the key", async () => {
    const { authority, folder } = await startAuthority({ jwt: {} });
    await authority.stop();
    const jwt = { algorithm: "ES256" };
    await expect(startAuthority({ jwt }, folder)).rejects.toThrow("failed to verify JWT bundle");
  });

  test("the algorithm is not known", async () => {
    await expect(startAuthority({ jwt: { algorithm: "HS256" } })).rejects.toThrow("HS256");
  });
});

async function startOidc(settings: Partial<OidcServerSettings> = {}): Promise<string> {
  // EC keys are made faster than RSA keys.
  const jwt = { algorithm: "ES256" };
  const { ports } = await startAuthority({ jwt, oidc: { listen: local, ...settings } });
  return `http://127.0.0.1:${ports.oidc}`;
}

const discovery = "/.well-known/openid-configuration";

describe("discovery", () => {
  test("tells what Dapr's tells", async () => {
    const url = await startOidc();
    const response = await fetch(`${url}${discovery}`);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("public, max-age=3600");
    expect(await response.json()).toEqual({
      issuer: url,
      jwks_uri: `${url}/jwks.json`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
      scopes_supported: ["openid"],
      claims_supported: ["sub", "iss", "aud", "exp", "iat", "nbf", "use"],
    });
    const set = await fetch(`${url}/jwks.json`);
    expect(await set.json()).toMatchObject({ keys: [{ use: "sig" }] });
    expect((await fetch(`${url}/other`)).status).toBe(404);
    expect((await fetch(`${url}/jwks.json`, { method: "POST" })).status).toBe(405);
  });

  test("follows its settings", async () => {
    const url = await startOidc({ issuer: "https://a.example", pathPrefix: "dapr/" });
    expect((await fetch(`${url}${discovery}`)).status).toBe(404);
    expect(await (await fetch(`${url}/dapr${discovery}`)).json()).toMatchObject({
      issuer: "https://a.example",
      jwks_uri: "https://a.example/dapr/jwks.json",
    });
  });

  test.for([
    [[], "evil.example", 200, "127.0.0.1"],
    [["good.example"], "good.example", 200, "good.example"],
    [["good.example"], "good.example:8443", 200, "good.example:8443"],
    [["good.example"], "evil.example", 403, undefined],
    [["*"], "evil.example", 200, "127.0.0.1"],
  ] as const)("hosts %j, forwarded %s: %d", async ([allowedHosts, forwarded, status, host]) => {
    const url = await startOidc({ allowedHosts });
    const headers = { "x-forwarded-host": forwarded };
    const response = await fetch(`${url}${discovery}`, { headers });
    expect(response.status).toBe(status);
    const text = await response.text();
    if (host === undefined) expect(text).toContain("Forbidden: unauthorized domain");
    else expect(JSON.parse(text).issuer).toContain(`http://${host}`);
  });

  test("under TLS it waits for its certificate", async () => {
    const folder = testFolder();
    const tls = { certFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") };
    const waiting = await startAuthority({
      jwt: { algorithm: "ES256" },
      oidc: { listen: local, tls },
    });
    expect(waiting.ports.oidc).toBeUndefined();
    const health = await fetch(`http://127.0.0.1:${waiting.ports.healthz}/healthz`);
    expect(health.status).toBe(503);
    const subject = ["-subj", "/CN=oidc", "-nodes", "-keyout", tls.keyFile, "-out", tls.certFile];
    openssl(["req", "-x509", "-newkey", "ed25519", ...subject]);
    const { ports } = await startAuthority({
      jwt: { algorithm: "ES256" },
      oidc: { listen: local, tls },
    });
    const own = new X509Certificate(readFileSync(tls.certFile)).fingerprint256;
    expect(await fingerprintAt(ports.oidc ?? 0)).toBe(own);
  });
});

function fingerprintAt(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: discovery, rejectUnauthorized: false };
    const request = requestHttps({ ...options, agent: false }, (response) => {
      const { socket } = response;
      const certificate = "getPeerX509Certificate" in socket ? socket : undefined;
      const read = certificate?.getPeerX509Certificate;
      const peer = typeof read === "function" ? read.call(socket) : undefined;
      resolve(peer instanceof X509Certificate ? peer.fingerprint256 : undefined);
      response.resume();
    });
    request.once("error", reject);
    request.end();
  });
}
