import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorText, OutriggerError } from "@outrigger/core";
import { parseCertificates } from "./svid-chain.ts";
import { type FileWatch, watchFiles } from "./watch-files.ts";

/** Where trust anchors come from: PEM text, a file, or a directory of `.crt` and `.pem` files. */
export type TrustAnchorSource =
  | { readonly pem: string }
  | { readonly file: string }
  | { readonly directory: string };

/**
 * Reads the anchors as one PEM bundle.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when there is none, or one that is no certificate.
 */
export async function readTrustAnchors(source: TrustAnchorSource): Promise<string> {
  const pem = await readSource(source);
  try {
    if (parseCertificates(pem).length > 0) return pem;
  } catch (reason) {
    throw anchorsError(`failed to decode trust anchors: ${errorText(reason)}`, reason);
  }
  throw anchorsError("failed to decode trust anchors: no certificate found", undefined);
}

/** Calls back when the source may have changed. PEM text never does. */
export function watchTrustAnchors(
  source: TrustAnchorSource,
  onChange: () => void,
  intervalMs?: number,
): FileWatch {
  if ("pem" in source) return { stop: () => undefined };
  // A directory changes with its entries; files that are written in place do not touch it, but
  // replacing them is what every tool does.
  return watchFiles(["file" in source ? source.file : source.directory], onChange, intervalMs);
}

async function readSource(source: TrustAnchorSource): Promise<string> {
  if ("pem" in source) return source.pem;
  try {
    if ("file" in source) return await readFile(source.file, "utf8");
    const names = (await readdir(source.directory)).filter((name) => /\.(?:crt|pem)$/.test(name));
    const texts = names.sort().map((name) => readFile(join(source.directory, name), "utf8"));
    return (await Promise.all(texts)).join("\n");
  } catch (reason) {
    throw anchorsError(`cannot read the trust anchors: ${errorText(reason)}`, reason);
  }
}

function anchorsError(message: string, cause: unknown): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID", cause });
}
