import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testContext } from "@outrigger/conformance";
import { type Logger, RpcCode, type Svid, type WorkloadIdentity } from "@outrigger/core";
import { type IdentitySentryOptions, identitySentry } from "@outrigger/identity-sentry";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { TestAuthority } from "../../spiffe/test/certificates.ts";
import { honest, refuse, StandInAuthority, unsignedJwt } from "./stand-in-authority.ts";

let roots: TestAuthority;
let sentry: StandInAuthority;
let folder: string;
const cleanups: (() => unknown)[] = [];
const lines: string[] = [];
const log: Logger = {
  enabled: () => true,
  log: (level, text) => void lines.push(`${level} ${text}`),
  scope: () => log,
};

beforeAll(async () => {
  roots = await TestAuthority.create();
});
beforeEach(() => {
  sentry = new StandInAuthority();
  folder = mkdtempSync(join(tmpdir(), "outrigger-identity-"));
  lines.length = 0;
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await sentry.stop();
  rmSync(folder, { recursive: true, force: true });
});

function identity(options: Partial<IdentitySentryOptions> = {}): WorkloadIdentity {
  const component = identitySentry({
    address: `127.0.0.1:${sentry.port}`,
    trustAnchors: { pem: roots.pem },
    requestTimeoutMs: 500,
    retryDelayMs: 20,
    ...options,
  })(testContext({ appId: "orders", namespace: "shop", log }));
  cleanups.push(() => component.stop?.());
  return component;
}

const soon = (): AbortSignal => AbortSignal.timeout(5_000);

test("the certificate is for this app and its own key, and openssl verifies it", async () => {
  await sentry.start(roots, honest(roots));
  const component = identity();
  await component.start?.(soon());
  const { spiffeId, certificateChain, privateKey, trustAnchors } = component.current();
  expect(spiffeId).toBe("spiffe://public/ns/shop/orders");
  expect(trustAnchors).toBe(roots.pem);
  const paths = { ca: join(folder, "ca.pem"), leaf: join(folder, "leaf.pem") };
  writeFileSync(paths.ca, trustAnchors);
  writeFileSync(paths.leaf, certificateChain);
  const verified = execFileSync("openssl", ["verify", "-CAfile", paths.ca, paths.leaf]);
  expect(verified.toString()).toContain("OK");
  const fromKey = execFileSync("openssl", ["pkey", "-pubout"], { input: privateKey });
  const fromLeaf = execFileSync("openssl", ["x509", "-pubkey", "-noout", "-in", paths.leaf]);
  expect(fromLeaf.toString()).toBe(fromKey.toString());
});

test("the request is what Dapr's authority expects", async () => {
  await sentry.start(roots, honest(roots));
  await identity().start?.(soon());
  const [request] = sentry.requests;
  const { id, namespace, token, trustDomain, validator } = request ?? {};
  expect({ id, namespace, token, trustDomain, validator }).toEqual({
    ...{ id: "orders", namespace: "shop", token: "", trustDomain: "", validator: 0 },
  });
  const csr = Buffer.from(request?.csr ?? "").toString();
  const text = execFileSync("openssl", ["req", "-verify", "-text", "-noout"], { input: csr });
  expect(text.toString()).toMatch(/Subject: *\n/);
  expect(text.toString()).toContain("Public Key Algorithm: ED25519");
});

test("a token is read for each request and sent as it is", async () => {
  await sentry.start(roots, honest(roots));
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "secret\n");
  await identity({ tokenFile, validator: "jwks" }).start?.(soon());
  expect(sentry.requests[0]).toMatchObject({ token: "secret\n", validator: 3 });
});

test("an authority that signs only requests of its own key family gets one", async () => {
  await sentry.start(roots, async (request) => {
    const csr = Buffer.from(request.csr).toString();
    const text = execFileSync("openssl", ["req", "-verify", "-text", "-noout"], { input: csr });
    if (text.includes("ED25519")) return refuse(RpcCode.INTERNAL, "failed to sign")(request);
    return honest(roots)(request);
  });
  const component = identity();
  await component.start?.(soon());
  const [leaf] = component.current().certificateChain.split("\n\n");
  expect(new X509Certificate(leaf ?? "").publicKey.asymmetricKeyType).toBe("ec");
  expect(sentry.requests).toHaveLength(2);
});

test("tokens are asked for by audience", async () => {
  await sentry.start(roots, honest(roots));
  const component = identity({ jwtAudiences: ["a", "b"] });
  await component.start?.(soon());
  expect([...(component.current().jwts?.keys() ?? [])]).toEqual(["a", "b"]);
});

describe("start fails for good when", () => {
  test.each([
    ["the authority refuses", RpcCode.PERMISSION_DENIED, "no such app"],
    ["the request is wrong", RpcCode.INVALID_ARGUMENT, "invalid signature"],
    ["the authority breaks", RpcCode.INTERNAL, "failed to sign certificate"],
  ])("%s", async (_name, code, message) => {
    await sentry.start(roots, refuse(code, message));
    await expect(identity().start?.(soon())).rejects.toThrow(
      /^failed to retrieve the initial identity: error from sentry SignCertificate: rpc error: code = \w+ desc = /,
    );
    // One that cannot sign is asked once more, with a key of the other family.
    expect(sentry.requests).toHaveLength(code === RpcCode.INTERNAL ? 2 : 1);
  });

  test("the authority stays overloaded through five attempts", async () => {
    await sentry.start(roots, refuse(RpcCode.RESOURCE_EXHAUSTED, "busy"));
    await expect(identity().start?.(soon())).rejects.toThrow("ResourceExhausted desc = busy");
    expect(sentry.requests).toHaveLength(5);
  });

  test.each([
    ["another app", { id: "other" }, "not for /ns/shop/orders"],
    ["another namespace", { namespace: "else" }, "not for /ns/shop/orders"],
    ["another key", { csr: undefined }, "is for another key"],
  ])("the certificate is for %s", async (_name, change, text) => {
    await sentry.start(roots, async (request) => {
      if ("csr" in change) {
        const { certificateChain } = await roots.issue("orders", "shop");
        const right = await honest(roots)(request);
        return { ...right, workloadCertificate: Buffer.from(certificateChain) };
      }
      return honest(roots)({ ...request, ...change });
    });
    await expect(identity().start?.(soon())).rejects.toThrow(text);
  });

  test("the certificate is not from the trusted root", async () => {
    const foreign = await TestAuthority.create();
    await sentry.start(roots, honest(foreign));
    await expect(identity().start?.(soon())).rejects.toThrow("signed by unknown authority");
  });

  test("a token has the wrong audience", async () => {
    await sentry.start(roots, async (request) => ({
      ...(await honest(roots)(request)),
      perAudienceJwts: new Map([["a", unsignedJwt(["a", "b"])]]),
    }));
    const component = identity({ jwtAudiences: ["a"] });
    await expect(component.start?.(soon())).rejects.toThrow("is not for it alone");
  });

  test("the token file is empty", async () => {
    await sentry.start(roots, honest(roots));
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, "");
    await expect(identity({ tokenFile }).start?.(soon())).rejects.toThrow("is empty");
  });
});

describe("start waits while", () => {
  test("the authority is away, and goes on when it comes", async () => {
    await sentry.start(roots, honest(roots));
    await sentry.stop();
    const component = identity();
    const started = component.start?.(soon());
    await vi.waitFor(() => expect(lines.join("\n")).toContain("connection refused"));
    expect(() => component.current()).toThrow("has no certificate yet");
    await sentry.start(roots, honest(roots));
    await started;
    expect(component.current().spiffeId).toContain("orders");
  });

  test("the authority is not who it must be", async () => {
    await sentry.start(roots, honest(roots), await roots.issue("dapr-sentry", "default"));
    const end = new AbortController();
    const started = identity().start?.(end.signal);
    await vi.waitFor(() => expect(lines.join("\n")).toContain("unexpected SPIFFE ID"));
    end.abort(new Error("enough"));
    await expect(started).rejects.toThrow("enough");
    expect(sentry.requests).toEqual([]);
  });

  test("the anchors are not those of the authority", async () => {
    const foreign = await TestAuthority.create();
    await sentry.start(roots, honest(roots));
    const end = new AbortController();
    const started = identity({ trustAnchors: { pem: foreign.pem } }).start?.(end.signal);
    await vi.waitFor(() => expect(lines.join("\n")).toContain("signed by unknown authority"));
    end.abort(new Error("enough"));
    await expect(started).rejects.toThrow("enough");
  });
});

describe("renewal", () => {
  const serialOf = (svid: Svid): string => new X509Certificate(svid.certificateChain).serialNumber;

  test("happens at half of the life, again and again, with a new key each time", async () => {
    await sentry.start(roots, honest(roots, 2_000));
    const component = identity();
    await component.start?.(soon());
    const seen = [component.current()];
    component.onRotate((svid) => seen.push(svid));
    await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(3), { timeout: 8_000 });
    expect(new Set(seen.map(serialOf)).size).toBe(seen.length);
    expect(new Set(seen.map(({ privateKey }) => privateKey)).size).toBe(seen.length);
  });

  test("survives an authority that is away, and says so", async () => {
    await sentry.start(roots, honest(roots, 2_000));
    const component = identity();
    await component.start?.(soon());
    await sentry.stop();
    await vi.waitFor(() => expect(lines.join("\n")).toContain("Error renewing"), {
      timeout: 5_000,
    });
    const before = serialOf(component.current());
    await sentry.start(roots, honest(roots));
    await vi.waitFor(() => expect(serialOf(component.current())).not.toBe(before), {
      timeout: 5_000,
    });
  });

  test("of a long life is one request", async () => {
    await sentry.start(roots, honest(roots));
    const component = identity();
    await component.start?.(soon());
    await component.stop?.();
    expect(sentry.requests).toHaveLength(1);
  });
});

test("anchors in a file are taken over while it runs", async () => {
  await sentry.start(roots, honest(roots));
  const file = join(folder, "ca.crt");
  writeFileSync(file, roots.pem);
  const component = identity({ trustAnchors: { file } });
  await component.start?.(soon());
  const next = await TestAuthority.create();
  const both = `${roots.pem}\n${next.pem}\n`;
  const rotated = new Promise<Svid>((resolve) => component.onRotate(resolve));
  writeFileSync(file, both);
  expect((await rotated).trustAnchors).toBe(both);
  writeFileSync(file, "nonsense");
  await vi.waitFor(() => expect(lines.join("\n")).toContain("stay as they were"), {
    timeout: 3_000,
  });
  expect(component.current().trustAnchors).toBe(both);
});

test.each([
  [{ address: "sentry" }, "address"],
  [{ address: "http://sentry:1" }, "address"],
  [{ controlPlaneTrustDomain: "Cluster.Local" }, "controlPlaneTrustDomain"],
  [{ controlPlaneNamespace: "a/b" }, "controlPlaneNamespace"],
  [{ requestTimeoutMs: 0 }, "requestTimeoutMs"],
])("%j is refused", (options, field) => {
  expect(() => identity(options)).toThrow(field);
});

test("neither the key nor the token is in the log", async () => {
  await sentry.start(roots, honest(roots));
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "very-secret-token");
  const component = identity({ tokenFile });
  await component.start?.(soon());
  const all = lines.join("\n");
  expect(all).not.toContain("very-secret-token");
  expect(all).not.toContain(component.current().privateKey.split("\n")[1]);
});
