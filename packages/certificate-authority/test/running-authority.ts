import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BoundPorts,
  CertificateAuthority,
  type CertificateAuthorityOptions,
  fileStore,
  insecureValidator,
} from "@outrigger/certificate-authority";
import { formatRpcStatus, type Logger, type LogLevel, silentLogger } from "@outrigger/core";
import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import {
  decodeSignCertificateResponse,
  encodeSignCertificateRequest,
  type SignCertificateRequest,
  type SignCertificateResponse,
  signCertificatePath,
} from "@outrigger/protocol";
import { clientTls, verifyPeer } from "@outrigger/spiffe";
import { onTestFinished } from "vitest";
import { signingRequest } from "./openssl.ts";

const local = { host: "127.0.0.1", port: 0 };

/** A folder that is gone after the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "authority-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An authority on ports of its own, stopped after the test. */
export async function startAuthority(
  options: Partial<CertificateAuthorityOptions> = {},
  folder: string = testFolder(),
): Promise<{ authority: CertificateAuthority; ports: BoundPorts; folder: string }> {
  const insecure = insecureValidator();
  const authority = new CertificateAuthority({
    store: fileStore({ folder }),
    validators: [insecure],
    ...(options.validators === undefined ? { defaultValidator: insecure.number } : {}),
    grpc: local,
    healthz: local,
    metrics: local,
    reloadBatchMs: 50,
    ...options,
  });
  onTestFinished(() => authority.stop(0));
  const ports = await authority.start(AbortSignal.timeout(10_000));
  return { authority, ports, folder };
}

const sample = signingRequest();
/** A good request of an app called `orders`. */
export const goodRequest: SignCertificateRequest = {
  id: "orders",
  token: "",
  trustDomain: "",
  namespace: "default",
  csr: Buffer.from(sample.csr),
  validator: 0,
  jwtAudiences: [],
};

/** The answer, or the status as Go prints it. */
export interface SignOutcome {
  readonly status: string;
  readonly reply: SignCertificateResponse | undefined;
}

/** Asks as a sidecar does: under TLS, with the authority's identity verified. */
export async function sign(
  { authority, ports }: { authority: CertificateAuthority; ports: BoundPorts },
  changes: Partial<SignCertificateRequest> = {},
): Promise<SignOutcome> {
  const anchors = authority.trustAnchors;
  const client = new GrpcClient(
    { host: "127.0.0.1", port: ports.grpc },
    {
      tls: () => ({
        options: clientTls(undefined, anchors),
        verifyPeer: (socket) => {
          const { spiffeId } = verifyPeer(socket, anchors, Date.now());
          if (spiffeId === "spiffe://localhost/ns/default/dapr-sentry") return undefined;
          return new Error(`unexpected SPIFFE ID: ${spiffeId}`);
        },
      }),
    },
  );
  try {
    const response = await client.call({
      path: signCertificatePath,
      headers: [],
      body: frameMessage(encodeSignCertificateRequest({ ...goodRequest, ...changes })),
      deadlineMs: Date.now() + 10_000,
    });
    const frame = await response.messages.read().catch(() => undefined);
    if (frame !== undefined) {
      return { status: "OK", reply: decodeSignCertificateResponse(frame.data) };
    }
    const { code = -1, message = "" } = response.status ?? {};
    const printed = formatRpcStatus({ code, message });
    return {
      status: printed.replace(/^rpc error: code = (\S+) desc = /, "$1: "),
      reply: undefined,
    };
  } finally {
    client.close();
  }
}

/** The chain of an outcome as text. */
export function chainOf({ reply }: SignOutcome): string {
  return Buffer.from(reply?.workloadCertificate ?? []).toString("utf8");
}

/** Keeps lines for a test to look at. */
export function memoryLog(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    log: (level: LogLevel, message: string) => lines.push(`${level}: ${message}`),
    enabled: () => true,
    scope: () => memoryLogOver(lines),
  };
}

function memoryLogOver(lines: string[]): Logger {
  return {
    ...silentLogger,
    log: (level, message) => lines.push(`${level}: ${message}`),
  };
}
