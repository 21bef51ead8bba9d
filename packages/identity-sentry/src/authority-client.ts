import { formatRpcStatus, OutriggerError, RpcCode } from "@outrigger/core";
import { frameMessage, GrpcClient, type GrpcStatus } from "@outrigger/grpc-http2";
import {
  decodeSignCertificateResponse,
  encodeSignCertificateRequest,
  type SignCertificateRequest,
  type SignCertificateResponse,
  signCertificatePath,
} from "@outrigger/protocol";
import { clientTls, verifyPeer } from "@outrigger/spiffe";

/** Tries of one request (Dapr `pkg/security`). */
const attempts = 5;
const pauseMs = 50;

/** The authority that is asked, and who it must prove to be. */
export interface Authority {
  readonly host: string;
  readonly port: number;
  readonly spiffeId: string;
}

/** What asking needs beside the request. */
export interface AskOptions {
  readonly trustAnchors: string;
  /** Bound of one attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly now: () => number;
  readonly random: () => number;
}

/**
 * The authority took the request and could not sign it. Sentry before Dapr 1.17 signs in the way of
 * the request, which fails when request and issuer have keys of different families.
 */
export class CannotSign extends OutriggerError {}

/** The authority could not be reached, or is not who it must be: it may be a matter of time. */
export class AuthorityAway extends Error {}

/**
 * Asks for a certificate over a connection of its own, with a few attempts.
 * @throws AuthorityAway when no connection came about; OutriggerError `OTR_IDENTITY_REFUSED` when
 *   the authority answered with an error; the signal's reason when it aborts.
 */
export async function askAuthority(
  authority: Authority,
  request: SignCertificateRequest,
  options: AskOptions,
  signal: AbortSignal,
): Promise<SignCertificateResponse> {
  const client = connect(authority, options);
  try {
    for (let attempt = 1; ; attempt++) {
      const answer = await askOnce(client, request, options, signal);
      if (!isFailure(answer)) return answer;
      signal.throwIfAborted();
      if (attempt === attempts || !isTransient(answer)) throw failureOf(answer);
      // 10 % either way, so that sidecars that started together do not stay together.
      await pause(pauseMs * (0.9 + 0.2 * options.random()), signal);
    }
  } finally {
    client.close();
  }
}

function connect(authority: Authority, { trustAnchors, timeoutMs, now }: AskOptions): GrpcClient {
  return new GrpcClient(authority, {
    connectTimeoutMs: timeoutMs,
    now,
    tls: () => ({
      options: clientTls(undefined, trustAnchors),
      verifyPeer: (socket) => {
        try {
          const { spiffeId } = verifyPeer(socket, trustAnchors, now());
          if (spiffeId === authority.spiffeId) return undefined;
          return new Error(`unexpected SPIFFE ID: "${spiffeId}", expected ${authority.spiffeId}`);
        } catch (reason) {
          return reason instanceof Error ? reason : new Error(String(reason));
        }
      },
    }),
  });
}

async function askOnce(
  client: GrpcClient,
  request: SignCertificateRequest,
  { timeoutMs, now }: AskOptions,
  signal: AbortSignal,
): Promise<SignCertificateResponse | GrpcStatus> {
  const response = await client.call({
    path: signCertificatePath,
    headers: [],
    body: frameMessage(encodeSignCertificateRequest(request)),
    deadlineMs: now() + timeoutMs,
    signal,
  });
  const frame = await response.messages.read();
  if (frame !== undefined && response.status === undefined) await response.messages.read();
  const { status } = response;
  if (status !== undefined && status.code !== RpcCode.OK) return status;
  if (frame === undefined || frame.compressed) {
    return { code: RpcCode.INTERNAL, message: "the authority sent no usable answer" };
  }
  return decodeSignCertificateResponse(frame.data);
}

function isFailure(answer: SignCertificateResponse | GrpcStatus): answer is GrpcStatus {
  return "code" in answer;
}

const transientCodes: ReadonlySet<number> = new Set([
  RpcCode.UNAVAILABLE,
  RpcCode.RESOURCE_EXHAUSTED,
  RpcCode.DEADLINE_EXCEEDED,
]);

function isTransient({ code }: GrpcStatus): boolean {
  return transientCodes.has(code);
}

function failureOf(status: GrpcStatus): Error {
  const text = formatRpcStatus({ code: status.code, message: status.message });
  if (status.origin === "connection" || status.origin === "deadline") {
    return new AuthorityAway(text, { cause: status.cause });
  }
  const options = { code: "OTR_IDENTITY_REFUSED", cause: status.cause } as const;
  const message = `error from sentry SignCertificate: ${text}`;
  return status.code === RpcCode.INTERNAL
    ? new CannotSign(message, options)
    : new OutriggerError(message, options);
}

/** @throws the signal's reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
  signal.throwIfAborted();
}
