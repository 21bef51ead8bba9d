import { readFileSync } from "node:fs";
import { isOutriggerError } from "@outrigger/core";
import { expect, test } from "vitest";
import { readCommandLine } from "../src/flags/read-command-line.ts";
import { validateOptions } from "../src/flags/validate-options.ts";
import { COMPATIBLE_DAPR_VERSION, PRODUCT_VERSION } from "../src/flags/version.ts";

function run(argv: readonly string[], env: Record<string, string> = {}) {
  const outcome = readCommandLine(argv);
  if (outcome.kind !== "run") throw new Error(`expected a run, got ${outcome.kind}`);
  return { ...outcome, options: validateOptions(outcome.commandLine, env) };
}

function refusal(argv: readonly string[]): string {
  try {
    run(argv);
  } catch (reason) {
    if (isOutriggerError(reason, "OTR_OPTIONS_INVALID")) return reason.message;
    throw reason;
  }
  throw new Error("expected a refusal");
}

test("only an app id gives the documented defaults", () => {
  expect(run(["--app-id", "caller"]).options).toEqual({
    mode: "standalone",
    appId: "caller",
    appPort: 0,
    appProtocol: "http",
    appChannelAddress: "127.0.0.1",
    appMaxConcurrency: 0,
    httpPort: 3500,
    grpcPort: 50_001,
    internalGrpcPort: undefined,
    internalGrpcListenAddress: "",
    listenAddresses: [""],
    publicPort: undefined,
    publicListenAddress: "",
    unixDomainSocket: undefined,
    configFiles: [],
    resourcesPaths: [],
    maxBodyBytes: 4_194_304,
    maxHeaderBytes: 4_096,
    allowedOrigins: [],
    enableApiLogging: undefined,
    enableMtls: false,
    sentryAddress: "",
    sentryRequestJwtAudiences: [],
    controlPlaneAddress: "",
    controlPlaneTrustDomain: "localhost",
    controlPlaneNamespace: "default",
    disableBuiltinK8sSecretStore: false,
    appHealth: undefined,
    gracefulShutdownMs: 5_000,
    blockShutdownMs: undefined,
    disabledInitEndpoints: { config: false, subscribe: false },
    metrics: { enabled: true, port: 9_090, listenAddress: "0.0.0.0" },
    profiling: { enabled: false, port: 7_777 },
    hotReloadReconcileMs: 60_000,
    warnings: [],
  });
});

test("the argument list of `dapr run` is accepted, and tells what has no effect", () => {
  const argv =
    "--config /tmp/config.yaml --app-protocol http --log-level info --app-max-concurrency -1 " +
    "--placement-host-address localhost:50005 --resources-path /tmp/components --max-body-size 4Mi " +
    "--read-buffer-size 4Ki --scheduler-host-address localhost:50006 --app-id caller " +
    "--app-channel-address 127.0.0.1 --app-port 9000 --dapr-http-port 3500 --dapr-grpc-port 50001 " +
    "--profile-port -1 --metrics-port 9090 --dapr-internal-grpc-port 50011";
  const { options, commandLine } = run(argv.split(" "));
  expect(options).toMatchObject({
    appPort: 9_000,
    internalGrpcPort: 50_011,
    configFiles: ["/tmp/config.yaml"],
    resourcesPaths: ["/tmp/components"],
    profiling: { port: -1 },
  });
  expect(commandLine.ignoredFlags).toEqual(["placement-host-address", "scheduler-host-address"]);
  expect(commandLine.laterFlags).toEqual([]);
});

test.each<[string[], string]>([
  [["--dapr-http-port", "3500"], "parameter app-id cannot be empty"],
  [["--app-id", "a.b"], "parameter app-id cannot contain dots"],
  [["--app-id", "c", "--mode", "cluster"], "invalid mode: cluster"],
  [["--app-id", "c", "--app-protocol", "Ftp"], "invalid value for 'app-protocol': Ftp"],
  [
    ["--app-id", "c", "--dapr-http-port", "abc"],
    'error parsing dapr-http-port flag: strconv.Atoi: parsing "abc": invalid syntax',
  ],
  [
    ["--app-id", "c", "--app-port", "99999999999999999999"],
    'error parsing app-port: strconv.Atoi: parsing "99999999999999999999": value out of range',
  ],
  [
    ["--app-id", "c", "--app-port", "3500"],
    "the 'dapr-http-port' argument value 3500 conflicts with 'app-port'",
  ],
  [
    ["--app-id", "c", "--dapr-grpc-port", "0"],
    "the 'dapr-grpc-port' argument value 0 conflicts with 'app-port'",
  ],
  [
    ["--app-id", "c", "--metrics-port", "ninety"],
    'failed to parse metrics port: strconv.Atoi: parsing "ninety": invalid syntax',
  ],
  [
    ["--app-id", "c", "--disable-init-endpoints", "config,other"],
    "invalid value for 'disable-init-endpoints': other",
  ],
  [
    "--app-id c --enable-app-health-check --app-health-probe-interval 1 --app-health-probe-timeout 1500".split(
      " ",
    ),
    "value for 'health-probe-timeout' must be smaller than 'health-probe-interval'",
  ],
])("%j is refused", (argv, message) => {
  expect(refusal(argv)).toBe(message);
});

test("the first of several mistakes is the one that Dapr names", () => {
  const mistakes = ["--app-protocol", "ftp", "--app-port", "x", "--profile-port", "y"];
  expect(refusal(["--app-id", "a.b", ...mistakes])).toContain("app-id");
  expect(refusal(["--app-id", "ab", ...mistakes])).toContain("profile-port");
});

test("in Kubernetes the app id is not looked at", () => {
  expect(run(["/daprd", "--mode", "kubernetes", "--app-id", "a.b"]).options.appId).toBe("a.b");
});

test("sizes: the quantity beats the old flag, -1 stands for the default", () => {
  const old = "--dapr-http-max-request-size";
  expect(run(["--app-id", "c", old, "1"]).options.maxBodyBytes).toBe(1_048_576);
  expect(run(["--app-id", "c", old, "-1"]).options.maxBodyBytes).toBe(4_194_304);
  expect(run(["--app-id", "c", old, "1", "--max-body-size", "2Mi"]).options.maxBodyBytes).toBe(
    2_097_152,
  );
  expect(run(["--app-id", "c", "--read-buffer-size=-1"]).options.maxHeaderBytes).toBe(4_096);
  expect(run(["--app-id", "c", old, "1"]).stderr).toBe(
    "Flag --dapr-http-max-request-size has been deprecated, use '--max-body-size 4Mi'\n",
  );
});

test("API logging is unset, on or off", () => {
  const read = (...more: string[]) => run(["--app-id", "c", ...more]).options.enableApiLogging;
  expect([read(), read("--enable-api-logging"), read("--enable-api-logging=false")]).toEqual([
    undefined,
    true,
    false,
  ]);
});

test("health, shutdown and protocol values out of range fall back", () => {
  const { options } = run(
    (
      "--app-id c --enable-app-health-check --app-health-probe-interval 0 --app-health-probe-timeout=0 " +
      "--app-health-threshold 0 --dapr-graceful-shutdown-seconds 0 --app-protocol= --app-ssl"
    ).split(" "),
  );
  expect(options.appHealth).toEqual({
    path: "/healthz",
    intervalMs: 5_000,
    timeoutMs: 500,
    threshold: 3,
  });
  expect(options.gracefulShutdownMs).toBeUndefined();
  expect(options.appProtocol).toBe("https");
  expect(options.warnings).toHaveLength(1);
});

test("the environment counts only where the flag is absent", () => {
  const env = { DAPR_CONTROLPLANE_TRUST_DOMAIN: "env.example", DAPR_CONTROLPLANE_NAMESPACE: "sys" };
  const { options } = run(["--app-id", "c", "--control-plane-namespace", "flag"], env);
  expect(options.controlPlaneTrustDomain).toBe("env.example");
  expect(options.controlPlaneNamespace).toBe("flag");
});

test("--version prints a bare version, before anything is validated", () => {
  const expected = {
    kind: "exit",
    exitCode: 0,
    stdout: `${COMPATIBLE_DAPR_VERSION}\n`,
    stderr: "",
  };
  expect(readCommandLine(["--version"])).toEqual(expected);
  expect(readCommandLine(["-version", "--log-level", "loud", "--wait"])).toEqual(expected);
});

test("--build-info prints three labelled lines", () => {
  const outcome = readCommandLine(["--build-info"]);
  expect(outcome.kind === "exit" && outcome.stdout).toMatch(
    /^Version: \d+\.\d+\.\d+\nGit Commit: .+\nGit Version: .+\n$/,
  );
});

test("--help prints the usage on standard error and succeeds", () => {
  const outcome = readCommandLine(["--help"]);
  expect(outcome).toMatchObject({ kind: "exit", exitCode: 0, stdout: "" });
  expect(outcome.stderr).toMatch(/^Usage of daprd:\n/);
  expect(outcome.stderr).toContain("--app-port string");
});

test("a usage error prints usage and message on standard error and gives 2", () => {
  const outcome = readCommandLine(["--app-id", "c", "--bogus"]);
  expect(outcome).toMatchObject({ kind: "exit", exitCode: 2, stdout: "" });
  expect(outcome.stderr).toMatch(/^Usage of daprd:\n[\s\S]*\nunknown flag: --bogus\n$/);
});

test("--wait hands on the port", () => {
  expect(readCommandLine(["--wait", "--dapr-http-port", "3501"])).toMatchObject({
    kind: "wait",
    httpPort: "3501",
  });
});

test.each<[string[], RegExp]>([
  [
    ["--max-body-size", "big"],
    /^Failed to parse flags: invalid value for 'max-body-size' option: /,
  ],
  [
    ["--actors-disseminate-timeout", "0"],
    /^Failed to parse flags: invalid value for 'actors-disseminate-timeout' option: must be positive, got 0s$/,
  ],
  [["--log-level", "loud"], /^invalid value for --log-level: loud$/],
])("%j is a fatal line", (argv, message) => {
  const outcome = readCommandLine(["--log-as-json", ...argv]);
  expect(outcome).toMatchObject({ kind: "fatal", log: { level: "info", json: true } });
  expect(outcome.kind === "fatal" && outcome.message).toMatch(message);
});

test("log settings keep the level as it was written", () => {
  expect(run(["--app-id", "c", "--log-level", "Debug", "--log-file", "/tmp/x"]).log).toEqual({
    level: "debug",
    levelText: "Debug",
    json: false,
    file: "/tmp/x",
  });
});

test("the product version is that of the package", () => {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  expect(PRODUCT_VERSION).toBe(JSON.parse(manifest).version);
});
