import { silentLogger } from "@outrigger/core";
import type { MtlsSpec } from "@outrigger/resources";
import { describe, expect, test } from "vitest";
import { flagValues } from "../src/flags/flag-values.ts";
import { isFlagError, parseFlags } from "../src/flags/parse-flags.ts";
import { chooseValidators } from "../src/sentry/choose-validators.ts";
import { domainInSearchList } from "../src/sentry/cluster-domain.ts";
import { clusterMtls } from "../src/sentry/cluster-mtls.ts";
import { refuseRoot } from "../src/sentry/refuse-root.ts";
import { sentryFlags } from "../src/sentry/sentry-flags.ts";
import { readSentryOptions, type SentryOptions } from "../src/sentry/sentry-options.ts";

function read(argv: readonly string[], env: Record<string, string> = {}): SentryOptions {
  const parsed = parseFlags(argv, sentryFlags);
  if (isFlagError(parsed)) throw new Error(parsed.error ?? "help");
  return readSentryOptions(flagValues(parsed), env);
}

describe("command line", () => {
  test("defaults are Dapr's", () => {
    expect(read([])).toMatchObject({
      mode: "standalone",
      config: "daprsystem",
      trustDomain: "localhost",
      namespace: "default",
      credentialsFolder: "/var/run/secrets/dapr.io/credentials",
      fileNames: {
        trustAnchors: "ca.crt",
        issuerChain: "issuer.crt",
        issuerKey: "issuer.key",
        jwtKey: "jwt.key",
        jwks: "jwks.json",
      },
      grpc: { host: "", port: 50_001 },
      healthz: { host: "", port: 8_080 },
      metrics: { host: "0.0.0.0", port: 9_090 },
      jwt: undefined,
      oidc: undefined,
    });
  });

  test("one dash is as good as two", () => {
    expect(read(["-port=1", "-trust-domain", "x"])).toMatchObject({
      grpc: { port: 1 },
      trustDomain: "x",
    });
  });

  test("names of JWT files count as absolute paths only", () => {
    const { fileNames } = read([
      "--jwt-key-filename=a",
      "--jwks-filename=/b",
      "--issuer-key-filename=c",
    ]);
    expect(fileNames).toMatchObject({ jwtKey: "jwt.key", jwks: "/b", issuerKey: "c" });
  });

  test("tokens and discovery", () => {
    const oidc = ["--oidc-enabled", "--oidc-server-tls-enabled=false", "--oidc-allowed-hosts=a,b"];
    expect(read(["--jwt-enabled", "--jwt-issuer=i", "--jwt-ttl=1h", ...oidc])).toMatchObject({
      jwt: { issuer: "i", algorithm: "RS256", keyId: undefined, ttlMs: 3_600_000 },
      oidc: { listen: { host: "localhost", port: 9_080 }, allowedHosts: ["a", "b"], issuer: "i" },
    });
    expect(read(oidc).oidc).toBeUndefined();
  });

  test.for([
    [["--mode", "x"], {}, "invalid mode: x"],
    [["--bogus"], {}, "unknown flag: --bogus"],
    [["--jwt-issuer=i"], {}, "jwt-issuer cannot be set when jwt-enabled is false"],
    [["--jwt-enabled", "--oidc-enabled"], {}, "are both required"],
    [["--jwt-enabled", "--oidc-enabled", "--oidc-server-tls-key-file=x"], {}, "are both required"],
    [["--metrics-port=x"], {}, "invalid value for 'metrics-port' option: x"],
    [["--mode=kubernetes"], {}, "'NAMESPACE' environment variable must be set"],
    [["--mode=kubernetes"], { NAMESPACE: "" }, "'NAMESPACE' environment variable must be set"],
  ] as const)("%j with %j: %s", ([argv, env, message]) => {
    expect(() => read(argv, env)).toThrow(message);
  });

  test("every flag has a word of help", () => {
    expect(sentryFlags.filter(({ help }) => help === "")).toEqual([]);
  });
});

describe("validators", () => {
  const kubernetes = { number: 2, ready: true, validate: async () => "public" };
  const jwks = { name: "jwks", options: { source: '{"keys":[]}', minRefreshInterval: 30 } };
  const choose = (configured: MtlsSpec["tokenValidators"], inCluster = false) => {
    const choice = { configured, spiffeId: "spiffe://localhost/ns/default/dapr-sentry" };
    const cluster = inCluster ? kubernetes : undefined;
    const chosen = chooseValidators({ ...choice, kubernetes: cluster, log: silentLogger });
    return [chosen.validators.map(({ number }) => number), chosen.defaultValidator];
  };

  test.for([
    ["self-hosted", [], false, [[1], 1]],
    ["self-hosted with jwks", [jwks], false, [[3], 0]],
    ["in a cluster", [], true, [[2], 2]],
    ["in a cluster with jwks", [jwks], true, [[2, 3], 2]],
  ] as const)("%s", ([, configured, inCluster, expected]) => {
    expect(choose(configured, inCluster)).toEqual(expected);
  });

  test.for([
    ["x", "invalid token validator name: 'x'; supported values: 'jwks'"],
    ["kubernetes", "the built-in 'kubernetes' and 'insecure' validators cannot be configured"],
    ["insecure", "the built-in 'kubernetes' and 'insecure' validators cannot be configured"],
  ] as const)("%s cannot be configured", ([name, message]) => {
    expect(() => choose([{ name, options: null }])).toThrow(message);
  });

  test("jwks needs a source", () => {
    expect(() => choose([{ name: "jwks", options: null }])).toThrow("source");
  });
});

describe("the cluster's Configuration", () => {
  const place = { namespace: "dapr-system", name: "daprsystem" };
  const nothing = async (): Promise<never> => {
    throw new Error("not found");
  };
  const clientOf = (configurationSpec: () => Promise<unknown>) => ({
    configurationSpec,
    reviewToken: nothing,
    pod: nothing,
    secret: nothing,
    configMap: nothing,
    updateSecret: nothing,
    updateConfigMap: nothing,
  });

  test("gives times and validators", async () => {
    const mtls = {
      workloadCertTTL: "2h",
      allowedClockSkew: "5m",
      tokenValidators: [{ name: "jwks", options: { source: "x" } }],
    };
    expect(
      await clusterMtls(
        clientOf(async () => ({ mtls })),
        place,
        silentLogger,
      ),
    ).toEqual({
      workloadCertTtlMs: 7_200_000,
      allowedClockSkewMs: 300_000,
      tokenValidators: mtls.tokenValidators,
    });
  });

  test("may be missing, but not wrong", async () => {
    expect(await clusterMtls(clientOf(nothing), place, silentLogger)).toEqual({
      workloadCertTtlMs: undefined,
      allowedClockSkewMs: undefined,
      tokenValidators: [],
    });
    const wrong = clientOf(async () => ({ mtls: { workloadCertTTL: "soon" } }));
    await expect(clusterMtls(wrong, place, silentLogger)).rejects.toThrow("invalid duration");
  });
});

test.runIf(process.getuid?.() === 0)("root is refused in a cluster unless it is allowed", () => {
  expect(() => refuseRoot("kubernetes", {})).toThrow("does not run as root");
  const env = { DAPR_UNSAFE_SKIP_CONTAINER_UID_GID_CHECK: "true" };
  expect(() => refuseRoot("kubernetes", env)).not.toThrow();
  expect(() => refuseRoot("standalone", {})).not.toThrow();
});

test.for([
  ["search shop.svc.cluster.example svc.cluster.example cluster.example", "cluster.example"],
  ["nameserver 10.0.0.10\nsearch svc.a.b.\noptions ndots:5", "a.b"],
  ["search example.com", "cluster.local"],
  ["", "cluster.local"],
])("the cluster's domain in %j is %s", ([configuration, domain]) => {
  expect(domainInSearchList(configuration ?? "")).toBe(domain);
});
