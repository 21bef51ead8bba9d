import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { errorText, OutriggerError } from "@outrigger/core";
import { identityOfLeaf, parseCertificates, type Received, verifyChain } from "@outrigger/spiffe";

/** What the files must fit. */
export interface Expectation {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly trustAnchors: string;
  readonly appId: string;
  readonly namespace: string;
  readonly nowMs: number;
}

/**
 * Reads certificate and key and checks that they are this app's, belong together and descend from
 * the anchors.
 * @throws OutriggerError `OTR_IDENTITY_REFUSED` with the file and the reason; never with the key.
 */
export async function readCertificate(expected: Expectation): Promise<Received> {
  const { certificateFile, keyFile } = expected;
  const chain = await readText(certificateFile);
  const privateKey = await readText(keyFile);
  const [leaf, ...intermediates] = attempt(certificateFile, () => parseCertificates(chain));
  if (leaf === undefined) throw refused(`${certificateFile}: no certificate found`);
  const identity = attempt(certificateFile, () => identityOfLeaf(leaf.raw));
  if (identity.appId !== expected.appId || identity.namespace !== expected.namespace) {
    const wanted = `/ns/${expected.namespace}/${expected.appId}`;
    throw refused(`${certificateFile}: is for ${identity.spiffeId}, not for ${wanted}`);
  }
  if (!leaf.checkPrivateKey(parseKey(keyFile, privateKey))) {
    throw refused(`${keyFile}: does not belong to the certificate in ${certificateFile}`);
  }
  const anchors = parseCertificates(expected.trustAnchors);
  const broken = verifyChain({ leaf, intermediates, anchors, nowMs: expected.nowMs });
  if (broken !== undefined) throw refused(`${certificateFile}: ${broken.message}`);
  return {
    spiffeId: identity.spiffeId,
    certificateChain: chain,
    privateKey,
    notBeforeMs: Date.parse(leaf.validFrom),
    expiresAtMs: Date.parse(leaf.validTo),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw refused(`cannot read ${path}: ${errorText(cause)}`, cause);
  }
}

function parseKey(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // What the library says may quote the text.
    throw refused(`${path}: holds no private key in PEM`);
  }
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw refused(`${path}: ${errorText(cause)}`, cause);
  }
}

function refused(message: string, cause?: unknown): OutriggerError {
  return new OutriggerError(message, { code: "OTR_IDENTITY_REFUSED", cause });
}
