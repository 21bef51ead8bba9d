import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openssl } from "./openssl.ts";
import { testFolder } from "./running-authority.ts";

/** An HTTPS server whose certificate nobody knows but its own root. */
export async function privateHttps(
  handler: RequestListener,
): Promise<{ readonly url: URL; readonly ca: string; readonly caFile: string }> {
  const folder = testFolder();
  const [certFile, keyFile] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  const names = ["-subj", "/CN=private", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-nodes", "-keyout", keyFile, "-out", certFile];
  openssl([
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    ...names,
    ...files,
  ]);
  const ca = readFileSync(certFile, "utf8");
  const server = createServer({ cert: ca, key: readFileSync(keyFile) }, handler);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`https://127.0.0.1:${port}`), ca, caFile: certFile };
}
