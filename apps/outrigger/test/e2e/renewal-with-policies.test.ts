import { afterEach, beforeEach, expect, test } from "vitest";
import { Load } from "./load.ts";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { componentText, pipelineConfig, resourcesFolder } from "./middleware-files.ts";
import { resource } from "./resource-folder.ts";
import { SentryProcess } from "./sentry-process.ts";

let mesh: Mesh;
let sentry: SentryProcess;
beforeEach(async () => {
  mesh = new Mesh();
  sentry = new SentryProcess({ workloadCertTtl: "4s", allowedClockSkew: "1s" });
  await sentry.start();
});
afterEach(async () => {
  await mesh.close();
  await sentry.close();
});

const shout = { name: "shout", type: "middleware.http.uppercase" };
const retries =
  '{policies: {timeouts: {t: 10s}, retries: {r: {policy: constant, duration: 10ms, maxRetries: 2}}, circuitBreakers: {c: {trip: "consecutiveFailures >= 1", timeout: 60s}}}, targets: {apps: {orders: {timeout: t, retry: r, circuitBreaker: c}}}}';
/** An entry of its own switches the built-in retries off: nothing hides a failure. */
const noRetries =
  '{policies: {timeouts: {t: 10s}, circuitBreakers: {c: {trip: "consecutiveFailures >= 1", timeout: 60s}}}, targets: {apps: {orders: {timeout: t, circuitBreaker: c}}}}';

const renewals = (sidecar: SidecarProcess): number =>
  sidecar.output().split("workload certificate renewed").length - 1;

test("certificates renew while calls run, and no error reaches a caller, whatever policies it has", {
  timeout: 60_000,
}, async () => {
  const { flags, env } = sentry.client();
  const slow = new Set<() => void>();
  const app = await mesh.app((request, response) => {
    if (request.url !== "/slow") return void request.pipe(response);
    response.write("first, ");
    slow.add(() => response.end("last"));
  });
  const config = pipelineConfig({ httpPipeline: [shout], appHttpPipeline: [shout] });
  const withResources = (policy: string): readonly string[] => {
    const documents = [componentText(shout), resource("Resiliency", "mine", policy)];
    return [...flags, "--resources-path", resourcesFolder(mesh, documents)];
  };
  const callee = await mesh.sidecar("orders", {
    appPort: app.port,
    flags: withResources("{}"),
    env,
    extraConfig: config,
  });
  const callers = await Promise.all([
    mesh.sidecar("bare", { flags, env }),
    mesh.sidecar("policed", { flags: withResources(retries), env, extraConfig: config }),
    mesh.sidecar("unretried", { flags: withResources(noRetries), env, extraConfig: config }),
  ]);
  const method = "/v1.0/invoke/orders/method";
  const shouted = await call(callers[1]?.httpPort ?? 0, "POST", `${method}/x`, { body: "abc" });
  expect(shouted.body).toBe("ABC");

  const long = callers.map(({ httpPort }) => call(httpPort, "GET", `${method}/slow`));
  await waitFor(async () => slow.size === callers.length, "the long calls");
  const loads = callers.map(({ httpPort }) => new Load(httpPort, `${method}/x`, 2));
  const all = [callee, ...callers];
  await waitFor(async () => all.every((each) => renewals(each) >= 3), "three renewals of all");

  for (const finish of slow) finish();
  for (const answer of await Promise.all(long)) {
    expect(answer).toMatchObject({ status: 200, body: "first, last" });
  }
  for (const load of loads) {
    const { calls, failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(50);
  }
  for (const { output } of callers) expect(output()).not.toContain("changed state from closed");
});
