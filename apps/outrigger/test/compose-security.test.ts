import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testContext } from "@outrigger/conformance";
import { type Configuration, loadConfiguration } from "@outrigger/resources";
import { expect, test } from "vitest";
import { readCommandLine } from "../src/flags/read-command-line.ts";
import type { SidecarOptions } from "../src/flags/sidecar-options.ts";
import { validateOptions } from "../src/flags/validate-options.ts";
import { composeSecurity } from "../src/sidecar/compose-security.ts";

function options(...flags: readonly string[]): SidecarOptions {
  const outcome = readCommandLine(["--app-id", "orders", ...flags]);
  if (outcome.kind !== "run") throw new Error(`unexpected ${outcome.kind}`);
  return validateOptions(outcome.commandLine, {});
}

async function configuration(spec = ""): Promise<Configuration> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-config-"));
  try {
    const file = join(folder, "config.yaml");
    writeFileSync(file, `spec:\n${spec}`);
    return (await loadConfiguration(spec === "" ? [] : [file])).configuration;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const secured = options("--enable-mtls", "--sentry-address", "127.0.0.1:50001");

test("mutual TLS needs anchors, an address and a token file that has a name", async () => {
  const plain = await configuration();
  const compose = (from: SidecarOptions, env: Record<string, string>) => () =>
    composeSecurity(from, plain, env);
  expect(compose(secured, {})).toThrow("trust anchors are required");
  const pem = { DAPR_TRUST_ANCHORS: "pem" };
  expect(compose(options("--enable-mtls"), pem)).toThrow("--sentry-address");
  expect(compose(secured, { ...pem, DAPR_SENTRY_TOKEN_FILE: "" })).toThrow(
    "DAPR_SENTRY_TOKEN_FILE",
  );
  const wrong = options("--enable-mtls", "--sentry-address", "nowhere");
  expect(compose(wrong, pem)).toThrow("address");
});

test("mutual TLS is on when it is asked for, and off otherwise", async () => {
  const plain = await configuration();
  const env = { DAPR_TRUST_ANCHORS: "pem" };
  expect(composeSecurity(secured, plain, env).identity).toBeTypeOf("function");
  expect(composeSecurity(options(), plain, env)).toEqual({});
});

test("a certificate in files needs no authority, but its key and anchors", async () => {
  const plain = await configuration();
  const compose = (env: Record<string, string>) =>
    composeSecurity(options("--enable-mtls"), plain, env);
  const cert = { OUTRIGGER_CERT_FILE: "/run/cert.pem" };
  const key = { OUTRIGGER_KEY_FILE: "/run/key.pem" };
  const pem = { DAPR_TRUST_ANCHORS: "pem" };
  expect(() => compose({ ...cert, ...pem })).toThrow("OUTRIGGER_KEY_FILE: is required");
  expect(() => compose({ ...key, ...pem })).toThrow("OUTRIGGER_CERT_FILE: is required");
  expect(() => compose({ ...cert, ...key })).toThrow("trust anchors are required");
  const identity = compose({ ...cert, ...key, ...pem }).identity?.(testContext());
  expect(identity?.name).toBe("identity-file");
  expect(() => composeSecurity(options(), plain, { ...cert, ...key })).toThrow(
    "OUTRIGGER_CERT_FILE: takes effect with --enable-mtls only",
  );
});

test("accessControl becomes the policy of the runtime", async () => {
  const denying = await configuration(
    "  accessControl:\n    defaultAction: deny\n    trustDomain: public\n",
  );
  const policy = composeSecurity(options(), denying, {}).accessPolicy?.(testContext());
  const request = { peer: undefined, method: "m", verb: "GET", protocol: "http" } as const;
  expect(policy?.decide(request).allowed).toBe(false);
});
