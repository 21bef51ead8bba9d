import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type JwksValidatorOptions, jwksValidator } from "@outrigger/certificate-authority";
import { silentLogger } from "@outrigger/core";
import { exportJWK, SignJWT } from "jose";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { privateHttps } from "./private-https.ts";
import { goodRequest, memoryLog, sign, startAuthority, testFolder } from "./running-authority.ts";

const audience = "spiffe://localhost/ns/default/dapr-sentry";
const subject = "spiffe://public/ns/default/orders";

class Signer {
  readonly #key: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #kid: string;

  constructor(kid: string) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = privateKey;
    this.#publicKey = publicKey;
    this.#kid = kid;
  }

  async jwks(): Promise<string> {
    return JSON.stringify({ keys: [{ ...(await exportJWK(this.#publicKey)), kid: this.#kid }] });
  }

  token(claims: Readonly<Record<string, unknown>> = {}, kid: string | undefined = this.#kid) {
    const now = Math.floor(Date.now() / 1_000);
    const all = { aud: audience, sub: subject, iat: now, exp: now + 60, ...claims };
    return new SignJWT(all)
      .setProtectedHeader({ alg: "ES256", ...(kid === "" ? {} : { kid }) })
      .sign(this.#key);
  }
}

async function validatorOf(options: Pick<JwksValidatorOptions, "source">) {
  const validator = jwksValidator({ audience, ...options }, silentLogger);
  onTestFinished(() => validator.stop?.());
  await validator.start?.(AbortSignal.timeout(5_000));
  return validator;
}

const signal = new AbortController().signal;

test("over gRPC: the only validator, and the caller must name it", async () => {
  const signer = new Signer("a");
  const validators = [await validatorOf({ source: await signer.jwks() })];
  const running = await startAuthority({ validators });
  const token = await signer.token();
  expect((await sign(running, { token, validator: 3 })).status).toBe("OK");
  expect((await sign(running, { token })).status).toBe(
    "InvalidArgument: a validator name must be specified in this environment",
  );
  expect((await sign(running, { token, validator: 1 })).status).toBe(
    "InvalidArgument: the requested validator is not enabled",
  );
  expect((await sign(running, { validator: 3 })).status).toBe(
    "PermissionDenied: the request does not contain a token",
  );
});

describe("claims", () => {
  const now = Math.floor(Date.now() / 1_000);
  const claim = (name: string): string => `token validation failed: "${name}" not satisfied`;
  test.for([
    ["another audience", { aud: "spiffe://other/ns/default/dapr-sentry" }, claim("aud")],
    ["no audience", { aud: undefined }, claim("aud")],
    ["another subject", { sub: "spiffe://public/ns/default/other" }, claim("sub")],
    ["expired an hour ago", { exp: now - 3_600 }, claim("exp")],
    ["valid in an hour", { nbf: now + 3_600 }, claim("nbf")],
    ["issued in an hour", { iat: now + 3_600 }, claim("iat")],
  ] as const)("%s", async ([, claims, message]) => {
    const signer = new Signer("a");
    const validator = await validatorOf({ source: await signer.jwks() });
    const request = { ...goodRequest, token: await signer.token(claims) };
    await expect(validator.validate(request, signal)).rejects.toThrow(new Error(message));
  });

  test.for([
    ["expired four minutes ago", { exp: now - 240 }],
    ["valid in four minutes", { nbf: now + 240, iat: now + 240 }],
    ["several audiences", { aud: ["x", audience] }],
  ] as const)("%s passes", async ([, claims]) => {
    const signer = new Signer("a");
    const validator = await validatorOf({ source: await signer.jwks() });
    const request = { ...goodRequest, token: await signer.token(claims) };
    await expect(validator.validate(request, signal)).resolves.toBe("public");
  });

  test("the request's trust domain is part of the subject", async () => {
    const signer = new Signer("a");
    const validator = await validatorOf({ source: await signer.jwks() });
    const token = await signer.token({ sub: "spiffe://mine/ns/default/orders" });
    const request = { ...goodRequest, token };
    await expect(validator.validate(request, signal)).rejects.toThrow('"sub"');
    const right = { ...request, trustDomain: "mine" };
    await expect(validator.validate(right, signal)).resolves.toBe("mine");
  });
});

test.for([
  ["of a foreign key", (foreign: Signer) => foreign.token()],
  ["of a foreign key without an id", (foreign: Signer) => foreign.token({}, "")],
  [
    "without a signature",
    async () => `${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`,
  ],
  ["that is none", async () => "not a token"],
] as const)("refuses a token %s", async ([, make]) => {
  const validator = await validatorOf({ source: await new Signer("a").jwks() });
  const token = await make(new Signer("a"));
  const failure = validator.validate({ ...goodRequest, token }, signal);
  await expect(failure).rejects.toThrow(/^token validation failed: /);
  await expect(failure).rejects.not.toThrow(token);
});

test("a bad signature is told as Dapr tells it", async () => {
  const validator = await validatorOf({ source: await new Signer("a").jwks() });
  const token = await new Signer("a").token();
  await expect(validator.validate({ ...goodRequest, token }, signal)).rejects.toThrow(
    "could not verify message",
  );
});

describe("sources", () => {
  test("base64, and tokens without a key id", async () => {
    const signer = new Signer("a");
    const validator = await validatorOf({
      source: Buffer.from(await signer.jwks()).toString("base64"),
    });
    const request = { ...goodRequest, token: await signer.token({}, "") };
    await expect(validator.validate(request, signal)).resolves.toBe("public");
  });

  test("a file, which is watched", async () => {
    const file = join(testFolder(), "jwks.json");
    writeFileSync(file, await new Signer("a").jwks());
    const validator = await validatorOf({ source: file });
    const signer = new Signer("b");
    const request = { ...goodRequest, token: await signer.token() };
    await expect(validator.validate(request, signal)).rejects.toThrow("could not verify");
    writeFileSync(file, await signer.jwks());
    await vi.waitFor(() => validator.validate(request, signal), 5_000);
  });

  test("a URL that is away at first", async () => {
    const signer = new Signer("a");
    const jwks = await signer.jwks();
    let status = 500;
    const server = createServer((_request, response) => {
      response.statusCode = status;
      response.end(jwks);
    });
    onTestFinished(() => {
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const log = memoryLog();
    const source = `http://127.0.0.1:${port}/jwks.json`;
    const validator = jwksValidator({ audience, source, refreshIntervalMs: 50 }, log);
    onTestFinished(() => validator.stop?.());
    await validator.start?.(signal);
    expect(validator.ready).toBe(false);
    const request = { ...goodRequest, token: await signer.token() };
    await expect(validator.validate(request, signal)).rejects.toThrow("jwks validator not ready");
    expect(log.lines.join("\n")).toContain("not encrypted");
    expect(log.lines.join("\n")).toContain("answered with status 500");
    status = 200;
    await vi.waitFor(() => expect(validator.ready).toBe(true), 5_000);
    await expect(validator.validate(request, signal)).resolves.toBe("public");
  });

  test.for(["pem", "file", "none"] as const)("https with roots of its own: %s", async (how) => {
    const signer = new Signer("a");
    const jwks = await signer.jwks();
    const { url, ca, caFile } = await privateHttps((_request, response) => response.end(jwks));
    const caCertificate = { pem: ca, file: caFile, none: undefined }[how];
    const log = memoryLog();
    const validator = jwksValidator({ audience, source: url.href, caCertificate }, log);
    onTestFinished(() => validator.stop?.());
    await validator.start?.(signal);
    expect(validator.ready).toBe(how !== "none");
    if (how === "none") expect(log.lines.join("\n")).toContain("self-signed certificate");
  });

  test("a file that is missing stops the start", async () => {
    await expect(validatorOf({ source: "/does/not/exist.json" })).rejects.toThrow("ENOENT");
  });

  test("an empty source is refused at once", () => {
    expect(() => jwksValidator({ audience, source: "" }, silentLogger)).toThrow(
      "must not be empty",
    );
  });
});
