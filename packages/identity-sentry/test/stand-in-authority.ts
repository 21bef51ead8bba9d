import { OutriggerError, RpcCode, rpcError, type Svid } from "@outrigger/core";
import { frameMessage, GrpcServer } from "@outrigger/grpc-http2";
import {
  decodeSignCertificateRequest,
  encodeSignCertificateResponse,
  type SignCertificateRequest,
  type SignCertificateResponse,
  signCertificatePath,
} from "@outrigger/protocol";
import { serverTls } from "@outrigger/spiffe";
import type { TestAuthority } from "../../spiffe/test/certificates.ts";

/** Answers a request; what it throws becomes the status. */
export type Answer = (request: SignCertificateRequest) => Promise<SignCertificateResponse>;

/** A certificate authority that a test steers. The real one has tests of its own. */
export class StandInAuthority {
  readonly requests: SignCertificateRequest[] = [];
  port = 0;
  #server: GrpcServer | undefined;

  /** @param svid what it shows; by default that of Dapr's authority. */
  async start(authority: TestAuthority, answer: Answer, svid?: Svid): Promise<void> {
    const own =
      svid ??
      (await authority.issue("dapr-sentry", "default", {
        uris: ["spiffe://localhost/ns/default/dapr-sentry"],
      }));
    const server = new GrpcServer({
      tls: () => serverTls(own, undefined),
      methods: new Map([
        [
          signCertificatePath,
          async (call) => {
            const frame = await call.messages.read();
            if (frame === undefined) throw new OutriggerError("empty", { code: "OTR_ABORTED" });
            const request = decodeSignCertificateRequest(await call.decode(frame));
            this.requests.push(request);
            const message = encodeSignCertificateResponse(await answer(request));
            await call.write(frameMessage(message));
            call.finish({ code: RpcCode.OK, message: "" });
          },
        ],
      ]),
    });
    ({ port: this.port } = await server.listen("127.0.0.1", this.port));
    this.#server = server;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }
}

/** Certifies what was asked for. */
export function honest(authority: TestAuthority, ttlMs = 3_600_000): Answer {
  return async ({ id, namespace, csr, jwtAudiences }) => {
    const notAfterMs = Date.now() + ttlMs;
    const svid = await authority.issue(id, namespace, {
      csr: Buffer.from(csr).toString(),
      notBeforeMs: Date.now() - 1_000,
      notAfterMs,
    });
    return {
      workloadCertificate: Buffer.from(svid.certificateChain),
      trustChainCertificates: [Buffer.from(authority.pem)],
      validUntilMs: notAfterMs,
      jwt: undefined,
      perAudienceJwts: new Map(jwtAudiences.map((each) => [each, unsignedJwt([each])])),
    };
  };
}

/** A token whose claims can be read; nobody here verifies it. */
export function unsignedJwt(aud: readonly string[]): string {
  const claims = { aud, exp: Math.floor(Date.now() / 1_000) + 3_600 };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
}

/** A refusal with the given status. */
export function refuse(code: number, message: string): Answer {
  return () => Promise.reject(rpcError("OTR_IDENTITY_REFUSED", { code, message }));
}
