import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuthorityMaterial } from "@outrigger/certificate-authority";

/** Everything is checked by a program that shares no code with ours. */
export function openssl(args: readonly string[], input?: string): string {
  return execFileSync("openssl", [...args], {
    input: input ?? "",
    encoding: "utf8",
    timeout: 20_000,
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** Runs with a folder that is gone afterwards. */
export function inFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "authority-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Printed form of the first certificate of a PEM text. */
export function describeCertificate(pem: string): string {
  return openssl(["x509", "-noout", "-text", "-nameopt", "RFC2253"], pem);
}

/** Verifies a chain (leaf first) strictly. @throws Error when it does not hold. */
export function verify(chain: string, anchors: string): string {
  return inFolder((folder) => {
    writeFileSync(join(folder, "ca"), anchors);
    writeFileSync(join(folder, "chain"), chain);
    const files = ["-CAfile", join(folder, "ca"), "-untrusted", join(folder, "chain")];
    return openssl(["verify", ...files, join(folder, "chain")]);
  });
}

export const keyCommands = {
  "EC PRIVATE KEY": ["ecparam", "-name", "prime256v1", "-genkey"],
  "EC PRIVATE KEY of P-384": ["ecparam", "-name", "secp384r1", "-genkey", "-noout"],
  "RSA PRIVATE KEY": ["genrsa", "-traditional", "2048"],
  "PRIVATE KEY": ["genpkey", "-algorithm", "ed25519"],
} as const;

/** How material of a user is made. */
export interface UserMaterial {
  readonly key?: keyof typeof keyCommands;
  readonly issuerExtensions?: string;
  readonly days?: number;
  readonly rootName?: string;
}

const caExtensions = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n";

/** A root and an issuer, made by OpenSSL. */
export function userMaterial(options: UserMaterial = {}): AuthorityMaterial {
  const { key = "EC PRIVATE KEY", issuerExtensions = caExtensions, days = 30 } = options;
  return inFolder((folder) => {
    const path = (name: string): string => join(folder, name);
    const rootKey = openssl(keyCommands[key]);
    const issuerKey = openssl(keyCommands[key]);
    writeFileSync(path("root.key"), rootKey);
    writeFileSync(path("issuer.key"), issuerKey);
    writeFileSync(path("ext"), issuerExtensions);
    writeFileSync(
      path("ca.cnf"),
      `[req]\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\n[ca]\n${caExtensions}`,
    );
    const rootSubject = ["-subj", `/O=${options.rootName ?? "my root"}/C=DE`];
    const config = ["-config", path("ca.cnf")];
    const root = openssl([
      "req",
      "-x509",
      "-new",
      "-key",
      path("root.key"),
      ...rootSubject,
      ...config,
      "-days",
      "60",
    ]);
    writeFileSync(path("root.crt"), root);
    openssl([
      "req",
      "-new",
      "-key",
      path("issuer.key"),
      "-subj",
      "/O=my issuer, unit é/CN=x",
      "-utf8",
      ...config,
      "-out",
      path("csr"),
    ]);
    const signer = ["-CA", path("root.crt"), "-CAkey", path("root.key"), "-CAcreateserial"];
    const issuer = openssl([
      "x509",
      "-req",
      "-in",
      path("csr"),
      ...signer,
      "-days",
      String(days),
      "-extfile",
      path("ext"),
    ]);
    return { trustAnchors: root, issuerChain: issuer, issuerKey };
  });
}

/** A certificate signing request and its key. */
export function signingRequest(
  key: keyof typeof keyCommands = "PRIVATE KEY",
  extra: readonly string[] = [],
): { csr: string; key: string } {
  return inFolder((folder) => {
    const keyFile = join(folder, "key");
    writeFileSync(keyFile, openssl(keyCommands[key]));
    const config = join(folder, "cnf");
    writeFileSync(config, "[req]\ndistinguished_name=dn\n[dn]\n");
    const csr = openssl([
      "req",
      "-new",
      "-key",
      keyFile,
      "-config",
      config,
      "-subj",
      "/CN=evil",
      ...extra,
    ]);
    return { csr, key: readFileSync(keyFile, "utf8") };
  });
}
