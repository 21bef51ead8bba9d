import { type HttpMiddlewareComponent, type HttpResponse, silentLogger } from "@outrigger/core";
import {
  type MiddlewareBearerOptions,
  middlewareBearer,
  optionsFromMetadata,
} from "@outrigger/middleware-bearer";
import { generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Issuer, startIssuer } from "./issuer.ts";

let issuer: Issuer;
let nowMs = 1_000_000;

beforeAll(async () => {
  issuer = await startIssuer();
});

afterAll(async () => {
  await issuer.close();
});

const answer: HttpResponse = { status: 200, headers: [], body: Buffer.from("answer") };

function make(options: Partial<MiddlewareBearerOptions> = {}): HttpMiddlewareComponent {
  return middlewareBearer({ issuer: issuer.url, audience: "orders", ...options })({
    appId: "orders",
    namespace: "default",
    log: silentLogger,
    now: () => nowMs,
    random: Math.random,
  });
}

async function started(
  options: Partial<MiddlewareBearerOptions> = {},
): Promise<HttpMiddlewareComponent> {
  const guard = make(options);
  await guard.start?.(AbortSignal.timeout(5_000));
  return guard;
}

async function statusOf(guard: HttpMiddlewareComponent, authorization?: string): Promise<number> {
  const { signal } = new AbortController();
  const headers = authorization === undefined ? [] : ["Authorization", authorization];
  const request = { method: "GET", path: "/", query: "", headers, bodyLength: 0, signal };
  const response = await guard.handle({ ...request, body: Buffer.alloc(0) }, async (passed) => {
    expect(passed.headers).toBe(headers);
    return answer;
  });
  return response.status;
}

describe("with a provider", () => {
  test("lets its tokens for the audience pass, and nothing else", async () => {
    const guard = await started();
    const token = await issuer.token("orders");
    expect(await statusOf(guard, `Bearer ${token}`)).toBe(200);
    expect(await statusOf(guard, `bearer ${token}`)).toBe(200);
    expect(await statusOf(guard)).toBe(401);
    expect(await statusOf(guard, token)).toBe(401);
    expect(await statusOf(guard, "Bearer short")).toBe(401);
    expect(await statusOf(guard, "Bearer no.token.at-all")).toBe(401);
    expect(await statusOf(guard, `Bearer ${await issuer.token("billing")}`)).toBe(401);
    const [head = "", payload = "", signature = ""] = token.split(".");
    const forged = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    expect(await statusOf(guard, `Bearer ${head}.${payload}.${forged}`)).toBe(401);
  });

  test("refuses tokens that others sign in its name, or nobody", async () => {
    const guard = await started();
    const { privateKey } = await generateKeyPair("RS256");
    const claims = new SignJWT({ iss: issuer.url, aud: "orders" }).setExpirationTime("1h");
    const foreign = await claims
      .setProtectedHeader({ alg: "RS256", kid: "key-1" })
      .sign(privateKey);
    expect(await statusOf(guard, `Bearer ${foreign}`)).toBe(401);
    const secret = new TextEncoder().encode("a key that is no secret from anybody here");
    const symmetric = await new SignJWT({ iss: issuer.url, aud: "orders" })
      .setProtectedHeader({ alg: "HS256", kid: "key-1" })
      .sign(secret);
    expect(await statusOf(guard, `Bearer ${symmetric}`)).toBe(401);
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const unsigned = `${part({ alg: "none" })}.${part({ iss: issuer.url, aud: "orders" })}.`;
    expect(await statusOf(guard, `Bearer ${unsigned}`)).toBe(401);
  });

  test("takes the address of the keys as given", async () => {
    const guard = await started({ jwksUrl: `${issuer.url}/jwks` });
    expect(await statusOf(guard, `Bearer ${await issuer.token("orders")}`)).toBe(200);
  });

  test("learns new keys in the background, and drops old ones", async () => {
    const guard = await started({ refreshAfterMs: 60_000 });
    const old = `Bearer ${await issuer.token("orders")}`;
    await issuer.roll();
    const fresh = `Bearer ${await issuer.token("orders")}`;
    expect(await statusOf(guard, old)).toBe(200);
    nowMs += 60_000;
    await expect.poll(() => statusOf(guard, fresh)).toBe(200);
    expect(await statusOf(guard, old)).toBe(401);
  });

  test("does not start for another issuer, without keys, or without a provider", async () => {
    const text = "failed to retrieve OpenID Configuration document";
    await expect(started({ issuer: `${issuer.url}/` })).rejects.toThrow(
      `('${issuer.url}') doesn't match`,
    );
    await expect(started({ issuer: `${issuer.url}/nowhere` })).rejects.toThrow(text);
    const keys = started({ jwksUrl: `${issuer.url}/nowhere` });
    await expect(keys).rejects.toThrow("failed to fetch JWKS");
    const guard = make();
    expect(await statusOf(guard, `Bearer ${await issuer.token("orders")}`)).toBe(500);
  });

  test("serves on with the keys that it knows while the provider is away", async () => {
    const own = await startIssuer();
    const guard = await started({ issuer: own.url, refreshAfterMs: 60_000 });
    const token = `Bearer ${await own.token("orders")}`;
    await own.close();
    nowMs += 120_000;
    expect(await statusOf(guard, token)).toBe(200);
    nowMs += 120_000;
    expect(await statusOf(guard, token)).toBe(200);
  });
});

test("reads settings as Dapr does", () => {
  expect(optionsFromMetadata({ issuer: "i", audience: "a" })).toEqual({
    issuer: "i",
    audience: "a",
  });
  const aliases = { issuerURL: "i", ClientID: "a", jwksURL: "http://k" };
  expect(optionsFromMetadata(aliases)).toEqual({ issuer: "i", audience: "a", jwksUrl: "http://k" });
  expect(() => optionsFromMetadata({ audience: "a" })).toThrow("'issuer' is required");
  expect(() => optionsFromMetadata({ issuer: "i" })).toThrow("'audience' is required");
  expect(() => middlewareBearer({ issuer: "i", audience: "a", jwksUrl: "file:///k" })).toThrow(
    "jwksUrl: must be an http or https URL",
  );
});
