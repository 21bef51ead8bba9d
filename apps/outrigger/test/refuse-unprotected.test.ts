import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfiguration } from "@outrigger/resources";
import { expect, test } from "vitest";
import { readCommandLine } from "../src/flags/read-command-line.ts";
import type { SidecarOptions } from "../src/flags/sidecar-options.ts";
import { validateOptions } from "../src/flags/validate-options.ts";
import { apiRules, grpcApiRules } from "../src/sidecar/api-rules.ts";
import { refuseUnprotected } from "../src/sidecar/refuse-unprotected.ts";

function options(...flags: readonly string[]): SidecarOptions {
  const outcome = readCommandLine(["--app-id", "orders", ...flags]);
  if (outcome.kind !== "run") throw new Error(`unexpected ${outcome.kind}`);
  return validateOptions(outcome.commandLine, {});
}

async function configuration(spec = ""): ReturnType<typeof loadConfiguration> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-config-"));
  try {
    const file = join(folder, "config.yaml");
    writeFileSync(file, `spec:\n${spec}`);
    return await loadConfiguration(spec === "" ? [] : [file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("mutual TLS that was asked for is never left out silently", async () => {
  const { configuration: plain } = await configuration();
  const secured = options("--enable-mtls");
  expect(() => refuseUnprotected(secured, plain, {})).toThrow("trust anchors are required");
  expect(() => refuseUnprotected(secured, plain, { DAPR_TRUST_ANCHORS: "pem" })).toThrow(
    "--enable-mtls",
  );
});

test("access control that would refuse somebody is never left out silently", async () => {
  const { configuration: denying } = await configuration(
    "  accessControl:\n    defaultAction: deny\n    trustDomain: public\n",
  );
  expect(() => refuseUnprotected(options(), denying, {})).toThrow("spec.accessControl");
});

test("without protection to give, nothing is refused", async () => {
  const { configuration: plain } = await configuration();
  expect(() => refuseUnprotected(options(), plain, {})).not.toThrow();
});

const rule = (name: string, version: string, protocol: string) => ({ name, version, protocol });

test("a denied group is closed and the others stay open", () => {
  const isAllowed = apiRules({ allowed: [], denied: [rule("metadata", "v1", "http")] }, "http");
  expect(isAllowed("metadata", "v1.0/metadata")).toBe(false);
  expect(isAllowed("invoke", "v1.0/invoke/*")).toBe(true);
});

test("a list of allowed groups closes the rest of its own protocol only", () => {
  const api = { allowed: [rule("invoke", "v1", "grpc")], denied: [] };
  expect(apiRules(api, "http")("shutdown", "v1.0/shutdown")).toBe(true);
  expect(grpcApiRules(api)("invoke")).toBe(true);
  expect(grpcApiRules(api)("shutdown")).toBe(false);
  expect(grpcApiRules(api)(undefined)).toBe(false);
});

test("the old form of a rule is the beginning of a route", () => {
  const isAllowed = apiRules({ allowed: [rule("invoke", "v1.0", "http")], denied: [] }, "http");
  expect(isAllowed("invoke", "v1.0/invoke/*")).toBe(true);
  expect(isAllowed("shutdown", "v1.0/shutdown")).toBe(false);
});
