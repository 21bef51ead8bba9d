import { OutriggerError, RpcCode } from "@outrigger/core";
import type { SignCertificateRequest } from "@outrigger/protocol";

/** Decides whether a caller may have the identity that it asks for. */
export interface TokenValidator {
  /** Number in `SignCertificateRequest.TokenValidator`. */
  readonly number: number;
  /** Name of its health target; absent when it is always ready. */
  readonly healthTarget?: string;
  /** False while it cannot judge yet. */
  readonly ready: boolean;
  start?(signal: AbortSignal): Promise<void>;
  stop?(): Promise<void>;
  /**
   * The trust domain of the identity.
   * @throws Error with the reason, which becomes the text of the refusal.
   */
  validate(request: SignCertificateRequest, signal: AbortSignal): Promise<string>;
}

/** A call that ends with the given status. */
export function signError(code: number, message: string, cause?: unknown): OutriggerError {
  return new OutriggerError(message, {
    code: code === RpcCode.PERMISSION_DENIED ? "OTR_POLICY_DENIED" : "OTR_METHOD_INVALID",
    cause,
    rpc: { code, message },
  });
}
