import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { errorText, OutriggerError } from "@outrigger/core";
import type { EndpointTls } from "./options.ts";

/** Checks the documents field by field, so that the error names the one that is broken. */
export function secureContextOf(tls: EndpointTls): SecureContext {
  const { ca, certificate, privateKey } = tls;
  if (ca !== undefined) checkField("rootCA", () => certificatesOf(ca));
  if (privateKey !== undefined) {
    checkField("privateKey", () => createPrivateKey(privateKey));
    if (certificate === undefined) throw problem("certificate", "is missing beside privateKey");
    checkField("certificate", () => certificatesOf(certificate));
  }
  const pair =
    privateKey === undefined || certificate === undefined
      ? {}
      : { key: privateKey, cert: certificate };
  try {
    // Older versions of TLS are broken; the sidecar speaks none of them.
    return createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...pair,
      minVersion: "TLSv1.2",
    });
  } catch (reason) {
    throw problem("privateKey", `does not fit the certificate: ${errorText(reason)}`);
  }
}

/** Node takes text without a certificate for an empty list, which would then refuse every server. */
function certificatesOf(pem: string): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error("no PEM certificate in it");
  for (const block of blocks) new X509Certificate(block);
}

function checkField(field: string, check: () => unknown): void {
  try {
    check();
  } catch (reason) {
    throw problem(field, errorText(reason));
  }
}

function problem(field: string, text: string): OutriggerError {
  return new OutriggerError(`clientTLS.${field}: ${text}`, { code: "OTR_OPTIONS_INVALID" });
}
