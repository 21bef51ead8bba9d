import {
  kubernetesOptionsFromDapr,
  type ResolverKubernetesOptions,
  resolverKubernetes,
} from "@outrigger/resolver-kubernetes";
import { describe, expect, test } from "vitest";

describe("options", () => {
  test.for([
    ["{{.Id}}:80", /template: cannot evaluate \{\{\.Id\}\}; known are \.ID, /],
    ["{{.ID", /template: unclosed action/],
    ["{{}}:80", /template: missing value for command/],
    ["{{if .ID}}x{{end}}:80", /template: cannot evaluate \{\{if \.ID\}\}/],
    ["{{.ID}}.svc", /template: must give host:port/],
    ["{{.ID}}.svc:0", /template: must give host:port/],
    ["{{.ID}}.svc:99999", /template: must give host:port/],
    ['{{"\\x"}}:80', /template: malformed string/],
    ["", /template: must not be empty/],
  ] as const)("the template %s is refused", ([template, message]) => {
    expect(() => resolverKubernetes({ template })).toThrow(message);
  });

  test.for<ResolverKubernetesOptions>([
    { clusterDomain: "" },
    { clusterDomain: ".." },
    { port: 65_536 },
    { maxCacheMs: 20_001 },
    { nameServers: [] },
    { nameServers: ["localhost:53"] },
    { apiServer: "http://10.0.0.1" },
    { zone: "" },
    { maxBackoffMs: Number.POSITIVE_INFINITY },
  ])("%j is refused", (options) => {
    expect(() => resolverKubernetes(options)).toThrow(/^resolver-kubernetes: /);
  });

  test("an option that does not exist is refused", () => {
    const options = { clusterdomain: "x" } as ResolverKubernetesOptions;
    expect(() => resolverKubernetes(options)).toThrow(/clusterdomain/);
  });
});

describe("Dapr's configuration", () => {
  test.for<[unknown, ResolverKubernetesOptions]>([
    [undefined, {}],
    [null, {}],
    ["text", {}],
    [{}, {}],
    [{ clusterDomain: "" }, {}],
    [{ clusterDomain: 7 }, {}],
    [{ clusterDomain: "corp.local" }, { clusterDomain: "corp.local" }],
    [{ CLUSTERDOMAIN: "corp.local", other: 1 }, { clusterDomain: "corp.local" }],
    [{ template: "{{.ID}}:1" }, { template: "{{.ID}}:1" }],
  ])("%j is read as %j", ([configuration, expected]) => {
    expect(kubernetesOptionsFromDapr(configuration)).toEqual(expected);
  });
});
