import type { SignCertificateRequest } from "@outrigger/protocol";
import { parseTrustDomain } from "@outrigger/spiffe";

/** Trust domain of workloads that name none. */
export const defaultTrustDomain = "public";

const maxAppIdBytes = 64;

/**
 * What every validator asks of a request (Dapr `pkg/sentry/server/validator/internal`).
 * @returns the request's trust domain.
 * @throws Error with Dapr's text; several faults are told in one text, a line each.
 */
export function checkRequest(request: SignCertificateRequest): string {
  const faults = [
    ...appIdFaults(request.id),
    request.csr.length === 0 ? "CSR is required" : undefined,
    request.namespace === "" ? "namespace is required" : undefined,
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) throw new Error(`invalid request: ${faults.join("\n")}`);
  if (request.trustDomain === "") return defaultTrustDomain;
  const trustDomain = parseTrustDomain(request.trustDomain);
  if (trustDomain !== undefined) return trustDomain;
  throw new Error(
    "trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores",
  );
}

function appIdFaults(id: string): readonly (string | undefined)[] {
  if (id === "") return ["parameter app-id cannot be empty"];
  return [
    id.includes(".") ? "parameter app-id cannot contain dots" : undefined,
    Buffer.byteLength(id) > maxAppIdBytes ? "app ID must be 64 characters or less" : undefined,
  ];
}
