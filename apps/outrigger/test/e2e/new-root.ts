import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** PEM texts of a new root, which signs one issuer and is not needed again. */
export interface NewRoot {
  readonly root: string;
  readonly issuer: string;
  readonly issuerKey: string;
}

/**
 * Makes a root and an issuer with openssl, as an operator does. The root has the name of the one
 * that Sentry makes for itself, and the issuer no key identifiers: the worst case of a rotation.
 */
export function createRoot(folder: string): NewRoot {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync("openssl", [...args], { stdio: "pipe" });
  };
  openssl("genpkey", "-algorithm", "ed25519", "-out", at("root.key"));
  openssl("genpkey", "-algorithm", "ed25519", "-out", at("issuer.key"));
  const ca = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,keyCertSign\n";
  writeFileSync(
    at("root.cnf"),
    `[req]\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\n[ca]\n${ca}`,
  );
  writeFileSync(at("issuer.ext"), `${ca}authorityKeyIdentifier=none\n`);
  const named = ["-subj", "/O=localhost", "-config", at("root.cnf")];
  openssl(
    "req",
    "-x509",
    "-new",
    "-key",
    at("root.key"),
    ...named,
    "-days",
    "2",
    "-out",
    at("root.crt"),
  );
  const request = ["-subj", "/O=issuer", "-config", at("root.cnf"), "-out", at("issuer.csr")];
  openssl("req", "-new", "-key", at("issuer.key"), ...request);
  const signed = ["-CA", at("root.crt"), "-CAkey", at("root.key"), "-CAcreateserial", "-days", "2"];
  const extended = ["-extfile", at("issuer.ext"), "-out", at("issuer.crt")];
  openssl("x509", "-req", "-in", at("issuer.csr"), ...signed, ...extended);
  const read = (name: string): string => readFileSync(at(name), "utf8");
  return { root: read("root.crt"), issuer: read("issuer.crt"), issuerKey: read("issuer.key") };
}
