import { writeFileSync } from "node:fs";
import { testContext } from "@outrigger/conformance";
import type { Logger } from "@outrigger/core";
import { loadConfiguration } from "@outrigger/resources";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chooseResolver } from "../src/resolvers/choose-resolver.ts";
import { PackageFolder } from "./resolver-packages.ts";

// Every name that Dapr has, with the configuration that Dapr's documentation shows for it.

let folder: PackageFolder;
beforeEach(() => {
  folder = new PackageFolder();
});
afterEach(() => folder.remove());

async function choose(nameResolution: string, internalGrpcPort?: number) {
  const errors: string[] = [];
  const log: Logger = {
    log: (level, message) => void (level === "error" && errors.push(message)),
    enabled: () => true,
    scope: () => log,
  };
  writeFileSync(folder.configFile, `spec: {nameResolution: ${nameResolution}}`);
  const { configuration } = await loadConfiguration([folder.configFile]);
  const configFiles = [folder.configFile];
  const surroundings = { mode: "standalone", configFiles, internalGrpcPort } as const;
  const make = await chooseResolver(configuration, surroundings, log);
  return { name: make?.(testContext()).name, errors };
}

test.for([
  [
    "consul",
    "{component: consul, configuration: {selfRegister: true, daprPortMetaKey: P}}",
    "consul",
  ],
  ["hashicorp.consul", "{component: hashicorp.consul, version: v0}", "consul"],
  [
    "sqlite",
    "{component: SQLite, configuration: {connectionString: /tmp/x.db, UpdateInterval: 2s}}",
    "sqlite",
  ],
  ["nameformat", "{component: nameformat, configuration: {format: 'svc-{appid}:8080'}}", "dns"],
  [
    "kubernetes",
    "{component: kubernetes, configuration: {clusterDomain: cluster.test}}",
    "kubernetes",
  ],
  ["mdns", "{component: mdns}", "mdns"],
])("Dapr's %s", async ([, nameResolution = "", name = ""]) => {
  const chosen = await choose(nameResolution);

  expect(chosen.errors).toEqual([]);
  expect(chosen.name).toBe(`resolver-${name}`);
});

test("Kubernetes takes the own internal port for that of targets, as Dapr does", async () => {
  const { errors } = await choose("{component: kubernetes}", 70_000);
  // A port that cannot be is the proof that it was handed on.
  expect(errors).toEqual([expect.stringContaining("resolver-kubernetes: port: ")]);
});
