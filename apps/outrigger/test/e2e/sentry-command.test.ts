import { execFileSync, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "@outrigger/certificate-authority";
import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import {
  decodeSignCertificateResponse,
  encodeSignCertificateRequest,
  signCertificatePath,
} from "@outrigger/protocol";
import { clientTls } from "@outrigger/spiffe";
import { freePorts } from "@outrigger/test-servers";
import { expect, onTestFinished, test, vi } from "vitest";
import { FakeCluster } from "../../../../packages/certificate-authority/test/fake-cluster.ts";
import { call, waitFor } from "./mesh.ts";
import { SentryProcess } from "./sentry-process.ts";

const bin = join(import.meta.dirname, "../../bin");

function openssl(args: readonly string[]): string {
  return execFileSync("openssl", [...args], { encoding: "utf8", timeout: 20_000, stdio: "pipe" });
}

function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-sentry-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function signingRequest(folder: string): Buffer {
  writeFileSync(join(folder, "cnf"), "[req]\ndistinguished_name=dn\n[dn]\n");
  const key = ["-newkey", "ed25519", "-nodes", "-keyout", join(folder, "key")];
  return Buffer.from(
    openssl(["req", "-new", ...key, "-config", join(folder, "cnf"), "-subj", "/"]),
  );
}

/** The chain that the authority issues for `orders`, written to a file. */
async function signedChain(
  address: string,
  anchors: string,
  folder: string,
  token = "",
): Promise<string> {
  const [host = "", port = ""] = address.split(":");
  const client = new GrpcClient(
    { host, port: Number(port) },
    { tls: () => ({ options: clientTls(undefined, anchors) }) },
  );
  onTestFinished(() => client.close());
  const request = {
    id: "orders",
    token,
    trustDomain: "",
    namespace: "default",
    csr: signingRequest(folder),
    validator: 0,
    jwtAudiences: [],
  };
  const { messages, status } = await client.call({
    path: signCertificatePath,
    headers: [],
    body: frameMessage(encodeSignCertificateRequest(request)),
    deadlineMs: Date.now() + 10_000,
  });
  const frame = await messages.read();
  if (frame === undefined) throw new Error(`no certificate: ${JSON.stringify(status)}`);
  const file = join(folder, "chain.pem");
  writeFileSync(file, decodeSignCertificateResponse(frame.data).workloadCertificate);
  return file;
}

function verify(chain: string, anchors: string, folder: string): string {
  const roots = join(folder, "roots.pem");
  writeFileSync(roots, anchors);
  return openssl(["verify", "-CAfile", roots, "-untrusted", chain, chain]);
}

test("starts in an empty folder, signs, takes over new files, ends on SIGTERM", async () => {
  const folder = testFolder();
  const sentry = new SentryProcess();
  onTestFinished(() => sentry.close());
  await sentry.start();
  expect(readdirSync(sentry.credentials).sort()).toEqual(["ca.crt", "issuer.crt", "issuer.key"]);
  const { mode } = statSync(join(sentry.credentials, "issuer.key"));
  expect(mode & 0o777).toBe(0o600);
  const { anchors } = sentry;
  const chain = await signedChain(sentry.address, anchors, folder);
  expect(verify(chain, anchors, folder)).toContain(": OK");
  const text = openssl(["x509", "-in", chain, "-noout", "-text"]);
  expect(text).toContain("URI:spiffe://public/ns/default/orders");

  const made = await createAuthority({
    trustDomain: "localhost",
    spiffeId: "spiffe://localhost/ns/default/dapr-sentry",
    allowedClockSkewMs: 60_000,
    nowMs: Date.now(),
  });
  writeFileSync(join(sentry.credentials, "ca.crt"), made.trustAnchors);
  writeFileSync(join(sentry.credentials, "issuer.crt"), made.issuerChain);
  writeFileSync(join(sentry.credentials, "issuer.key"), made.issuerKey);
  await vi.waitFor(() => expect(sentry.output()).toContain("using the new ones"), {
    timeout: 8_000,
  });
  const renewed = await signedChain(sentry.address, made.trustAnchors, folder);
  expect(verify(renewed, made.trustAnchors, folder)).toContain(": OK");

  writeFileSync(join(sentry.credentials, "issuer.key"), "broken");
  await vi.waitFor(() => expect(sentry.output()).toContain("were not taken"), { timeout: 8_000 });
  const still = await signedChain(sentry.address, made.trustAnchors, folder);
  expect(verify(still, made.trustAnchors, folder)).toContain(": OK");

  await sentry.stop();
  expect(sentry.output()).toContain("Sentry shut down gracefully");
  expect(sentry.output()).toMatch(/^time="[^"]+" level=info msg="Starting Dapr Sentry/);
}, 40_000);

test("`outrigger sentry` is the same program, and a taken port ends it with 1", async () => {
  const folder = testFolder();
  mkdirSync(join(folder, "issuer"));
  writeFileSync(join(folder, "config.yaml"), "");
  const [port, healthz] = await freePorts(2);
  const flags = ["--issuer-credentials", join(folder, "issuer"), "--enable-metrics=false"];
  flags.push("--config", join(folder, "config.yaml"), "--listen-address=127.0.0.1");
  const run = (argv: readonly string[]) => {
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    return { child, ended: once(child, "close"), output: () => output };
  };
  const ports = [`--port=${port}`, `--healthz-port=${healthz}`];
  const first = run([join(bin, "outrigger.js"), "sentry", ...flags, ...ports]);
  await waitFor(async () => {
    const health = await call(healthz ?? 0, "GET", "/healthz").catch(() => undefined);
    return health?.status === 200;
  }, "health of the authority");
  const second = run([join(bin, "sentry.js"), ...flags, `--port=${port}`, "--healthz-port=0"]);
  expect((await second.ended)[0]).toBe(1);
  expect(second.output()).toMatch(/level=fatal msg="Fatal error running sentry: could not listen/);
  first.child.kill("SIGTERM");
  expect((await first.ended)[0]).toBe(0);
}, 30_000);

test("in a cluster it judges by pods and keeps its keys in the Secret", async () => {
  const folder = testFolder();
  const cluster = new FakeCluster();
  const bundle = "/dapr-trust-bundle";
  const secretPath = `/api/v1/namespaces/dapr-system/secrets${bundle}`;
  cluster.objects.set(secretPath, { kind: "Secret" });
  cluster.objects.set(`/api/v1/namespaces/dapr-system/configmaps${bundle}`, { kind: "ConfigMap" });
  cluster.objects.set("/api/v1/namespaces/default/pods/orders-1", {
    metadata: { annotations: { "dapr.io/app-id": "orders" } },
    spec: { serviceAccountName: "clerk" },
  });
  const username = "system:serviceaccount:default:clerk";
  cluster.reviewStatus = { authenticated: true, user: { username } };
  cluster.objects.set("/apis/dapr.io/v1alpha1/namespaces/dapr-system/configurations/daprsystem", {
    spec: { mtls: { workloadCertTTL: "1h", allowedClockSkew: "5m" } },
  });
  const kubeconfig = {
    "current-context": "it",
    contexts: [{ name: "it", context: { cluster: "it", user: "it" } }],
    clusters: [{ name: "it", cluster: { server: (await cluster.listen()).href } }],
    users: [{ name: "it", user: { token: "of the authority" } }],
  };
  writeFileSync(join(folder, "kubeconfig"), JSON.stringify(kubeconfig));
  const [port = 0, healthz = 0] = await freePorts(2);
  const flags = ["--mode=kubernetes", "--kubeconfig", join(folder, "kubeconfig")];
  flags.push(
    "--issuer-credentials",
    folder,
    "--enable-metrics=false",
    "--listen-address=127.0.0.1",
  );
  flags.push(`--port=${port}`, `--healthz-port=${healthz}`, "--trust-domain=cluster.local");
  const env = { NAMESPACE: "dapr-system", DAPR_UNSAFE_SKIP_CONTAINER_UID_GID_CHECK: "true" };
  const child = spawn(process.execPath, [join(bin, "sentry.js"), ...flags], {
    stdio: "ignore",
    env: { ...process.env, ...env },
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await waitFor(async () => {
    const health = await call(healthz, "GET", "/healthz").catch(() => undefined);
    return health?.status === 200;
  }, "health of the authority");
  const secret = cluster.objects.get(secretPath) as { data: Record<string, string> };
  const anchors = Buffer.from(secret.data["ca.crt"] ?? "", "base64").toString();
  const payload = JSON.stringify({ "kubernetes.io": { pod: { name: "orders-1" } } });
  const chain = await signedChain(`127.0.0.1:${port}`, anchors, folder, payload);
  expect(verify(chain, anchors, folder)).toContain(": OK");
  const { validFrom, validTo } = new X509Certificate(readFileSync(chain));
  expect(Date.parse(validTo) - Date.parse(validFrom)).toBe(65 * 60_000);
  const ended = once(child, "close");
  child.kill("SIGTERM");
  expect((await ended)[0]).toBe(0);
}, 30_000);
