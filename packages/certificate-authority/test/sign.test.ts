import { X509Certificate } from "node:crypto";
import { tokenValidator } from "@outrigger/protocol";
import { describe, expect, test } from "vitest";
import { describeCertificate, keyCommands, signingRequest, verify } from "./openssl.ts";
import { chainOf, sign, startAuthority } from "./running-authority.ts";

function uriOf(chain: string): string | undefined {
  return new X509Certificate(chain).subjectAltName;
}

test("signs for an app: leaf and issuer, all roots, the end of validity", async () => {
  const running = await startAuthority();
  const outcome = await sign(running);
  expect(outcome.status).toBe("OK");
  const chain = chainOf(outcome);
  expect(uriOf(chain)).toBe("URI:spiffe://public/ns/default/orders");
  expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  expect(verify(chain, running.authority.trustAnchors)).toContain(": OK");
  const { reply } = outcome;
  expect(reply?.trustChainCertificates.map((pem) => Buffer.from(pem).toString())).toEqual([
    running.authority.trustAnchors,
  ]);
  expect(reply?.validUntilMs).toBe(Date.parse(new X509Certificate(chain).validTo));
  expect(reply?.jwt).toBeUndefined();
});

test("statuses and texts of refusals", async () => {
  const running = await startAuthority();
  const { csr } = signingRequest();
  const long = "x".repeat(65);
  const cases: readonly [Parameters<typeof sign>[1], string][] = [
    [{ id: "" }, "PermissionDenied: invalid request: parameter app-id cannot be empty"],
    [{ id: "a.b" }, "PermissionDenied: invalid request: parameter app-id cannot contain dots"],
    [{ id: long }, "PermissionDenied: invalid request: app ID must be 64 characters or less"],
    [
      { id: "ä".repeat(33) },
      "PermissionDenied: invalid request: app ID must be 64 characters or less",
    ],
    [{ namespace: "" }, "PermissionDenied: invalid request: namespace is required"],
    [{ csr: new Uint8Array() }, "PermissionDenied: invalid request: CSR is required"],
    [
      { csr: new Uint8Array(), namespace: "" },
      "PermissionDenied: invalid request: CSR is required\nnamespace is required",
    ],
    [{ csr: Buffer.from("garbage") }, "InvalidArgument: invalid certificate signing request"],
    [
      { csr: Buffer.from(csr.replaceAll("CERTIFICATE REQUEST", "PUBLIC KEY")) },
      "InvalidArgument: invalid certificate signing request",
    ],
    [{ csr: withBrokenSignature(csr) }, "InvalidArgument: invalid signature"],
    [{ validator: 2 }, "InvalidArgument: the requested validator is not enabled"],
    [{ validator: 3 }, "InvalidArgument: the requested validator is not enabled"],
    [{ validator: -1 }, "InvalidArgument: the requested validator is not enabled"],
    [{ id: "a:b" }, "Internal: failed to sign certificate"],
    [{ id: "a/b" }, "Internal: failed to sign certificate"],
    [{ namespace: ".." }, "Internal: failed to sign certificate"],
  ];
  for (const [changes, status] of cases) {
    expect(await sign(running, changes)).toEqual({ status, reply: undefined });
  }
  const truncated = Buffer.from(
    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
  );
  expect((await sign(running, { csr: truncated })).status).toMatch(
    /^InvalidArgument: failed to parse certificate signing request: /,
  );
  expect((await sign(running, { trustDomain: "Bad Domain" })).status).toMatch(
    /^PermissionDenied: .*trust domain/,
  );
});

test("identities that are just right", async () => {
  const running = await startAuthority();
  const longest = "x".repeat(64);
  const names: readonly [Parameters<typeof sign>[1], string][] = [
    [{ id: longest }, `spiffe://public/ns/default/${longest}`],
    [{ namespace: "n".repeat(253) }, `spiffe://public/ns/${"n".repeat(253)}/orders`],
    [{ trustDomain: "other.example" }, "spiffe://other.example/ns/default/orders"],
    [{ trustDomain: "spiffe://full.example/x" }, "spiffe://full.example/ns/default/orders"],
    [{ validator: tokenValidator.insecure }, "spiffe://public/ns/default/orders"],
  ];
  for (const [changes, uri] of names) {
    expect(uriOf(chainOf(await sign(running, changes)))).toBe(`URI:${uri}`);
  }
});

test("names inside the request have no effect", async () => {
  const running = await startAuthority();
  const { csr } = signingRequest("PRIVATE KEY", [
    "-addext",
    "subjectAltName=DNS:evil.example,URI:spiffe://public/ns/default/evil",
    "-addext",
    "basicConstraints=critical,CA:true",
  ]);
  const text = describeCertificate(chainOf(await sign(running, { csr: Buffer.from(csr) })));
  expect(text).not.toContain("evil");
  expect(text).not.toContain("CA:TRUE");
  expect(text).toContain("URI:spiffe://public/ns/default/orders");
});

test("takes the old label and every key family", async () => {
  const running = await startAuthority();
  for (const key of Object.keys(keyCommands) as (keyof typeof keyCommands)[]) {
    const { csr } = signingRequest(key);
    const old = csr.replaceAll("CERTIFICATE REQUEST", "CERTIFICATE");
    const chain = chainOf(await sign(running, { csr: Buffer.from(old) }));
    expect(verify(chain, running.authority.trustAnchors)).toContain(": OK");
  }
});

describe("control plane services", () => {
  test.for([
    ["dapr-injector", "dapr-sidecar-injector.default.svc"],
    ["dapr-operator", "dapr-webhook.default.svc"],
    ["dapr-scheduler", "dapr-scheduler-server-2.dapr-scheduler-server.default.svc.cluster.local"],
  ] as const)("%s gets its DNS names in the authority's namespace only", async ([id, name]) => {
    const running = await startAuthority({ clusterDomain: "cluster.local" });
    const own = chainOf(await sign(running, { id }));
    expect(uriOf(own)).toContain(`DNS:${name}`);
    expect(verify(own, running.authority.trustAnchors)).toContain(": OK");
    expect(uriOf(chainOf(await sign(running, { id, namespace: "other" })))).not.toContain("DNS:");
  });
});

test("without a default validator a request must name one", async () => {
  const running = await startAuthority({ defaultValidator: 0 });
  expect((await sign(running)).status).toBe(
    "InvalidArgument: a validator name must be specified in this environment",
  );
  expect((await sign(running, { validator: 1 })).status).toBe("OK");
});

test("counts what it does", async () => {
  const running = await startAuthority();
  await sign(running);
  await sign(running, { id: "" });
  const response = await fetch(`http://127.0.0.1:${running.ports.metrics}/metrics`);
  const text = await response.text();
  expect(text).toContain("\ndapr_sentry_cert_sign_request_received_total 2\n");
  expect(text).toContain("\ndapr_sentry_cert_sign_success_total 1\n");
  expect(text).toContain('\ndapr_sentry_cert_sign_failure_total{reason="sign"} 1\n');
  expect(text).toContain("\ndapr_sentry_issuercert_changed_total 1\n");
  expect(text).toMatch(/\ndapr_sentry_issuercert_expiry_timestamp 1(?:\.\d+)?e\+09\n/);
});

test("tells its health", async () => {
  const { authority, ports } = await startAuthority();
  const status = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${ports.healthz}${path}`)).status;
  expect(await status("/healthz")).toBe(200);
  expect(await status("/other")).toBe(404);
  await authority.stop();
  await expect(status("/healthz")).rejects.toThrow();
});

/** Another signature of the right form. */
function withBrokenSignature(csr: string): Uint8Array {
  const [, data = ""] = /REQUEST-----\n([\s\S]+)-----END/.exec(csr) ?? [];
  const der = Buffer.from(data, "base64");
  const last = der.length - 5;
  der.writeUInt8(der.readUInt8(last) ^ 1, last);
  return Buffer.from(
    `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`,
  );
}

test("a request that is made to be slow is refused at once", async () => {
  const running = await startAuthority();
  const blank = `-----BEGIN CERTIFICATE REQUEST-----${" ".repeat(60_000)}-`;
  const startedAt = performance.now();
  expect((await sign(running, { csr: Buffer.from(blank) })).status).toBe(
    "InvalidArgument: invalid certificate signing request",
  );
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
