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

async function choose(nameResolution: string) {
  const errors: string[] = [];
  const log: Logger = {
    log: (level, message) => void (level === "error" && errors.push(message)),
    enabled: () => true,
    scope: () => log,
  };
  writeFileSync(folder.configFile, `spec: {nameResolution: ${nameResolution}}`);
  const { configuration } = await loadConfiguration([folder.configFile]);
  const surroundings = { mode: "standalone", configFiles: [folder.configFile] } as const;
  const make = await chooseResolver(configuration, surroundings, log);
  return { name: make?.(testContext()).name, errors };
}

// An empty package is one that has not been written yet.
const written = await Promise.all([
  import("@outrigger/resolver-consul"),
  import("@outrigger/resolver-dns"),
  import("@outrigger/resolver-kubernetes"),
  import("@outrigger/resolver-sqlite"),
]);
const complete = written.every((exports) => Object.keys(exports).length > 0);

test.runIf(complete).for([
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
