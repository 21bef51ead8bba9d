import { errorText, OutriggerError } from "@outrigger/core";

const timeoutMs = 30_000;

/**
 * Asks the issuer where its keys are (OpenID Connect Discovery 1.0 section 4).
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when its document is none, or is another issuer's.
 */
export async function findKeySet(issuer: string, signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const document = await fetchDocument(url, signal);
  if (typeof document.jwks_uri !== "string" || !URL.canParse(document.jwks_uri)) {
    throw failed("the OpenID Configuration document does not contain a 'jwks_uri'");
  }
  if (document.issuer !== issuer) {
    throw failed(
      `the issuer found in the OpenID Configuration document ('${document.issuer ?? ""}') doesn't match the one provided in the component's metadata ('${issuer}')`,
    );
  }
  return document.jwks_uri;
}

async function fetchDocument(
  url: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(url, { signal: bounded, headers: { accept: "application/json" } });
    if (!response.ok) throw new Error(`invalid response status code: ${response.status}`);
    const document: unknown = await response.json();
    return typeof document === "object" && document !== null ? { ...document } : {};
  } catch (cause) {
    signal.throwIfAborted();
    throw failed(`${url}: ${errorText(cause)}`, cause);
  }
}

function failed(why: string, cause?: unknown): OutriggerError {
  return new OutriggerError(`failed to retrieve OpenID Configuration document: ${why}`, {
    code: "OTR_OPTIONS_INVALID",
    cause,
  });
}
