import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Answer, call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { type Fault, PolicyApp } from "./policy-app.ts";

const mesh = new Mesh();
const folder = mkdtempSync(join(tmpdir(), "outrigger-faults-"));
const sick = new PolicyApp();
const well = new PolicyApp();
let caller: SidecarProcess;
let sickSidecar: SidecarProcess;

beforeAll(async () => {
  writeFileSync(
    join(folder, "r.yaml"),
    `apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata: {name: faults}
spec:
  policies:
    timeouts: {t: 250ms}
    retries: {r: {duration: 20ms, maxRetries: 2}}
  targets: {apps: {faulty: {timeout: t, retry: r}}}
`,
  );
  const [sickPort, wellPort] = await Promise.all([sick.start(), well.start()]);
  [caller, sickSidecar] = await Promise.all([
    mesh.sidecar("faults-caller", { flags: ["--resources-path", folder] }),
    mesh.sidecar("faulty", { appPort: sickPort }),
    mesh.sidecar("faulty", { appPort: wellPort }),
  ]);
  await waitFor(async () => {
    await invoke("/status/200/warm");
    return sick.seen.length > 0 && well.seen.length > 0;
  }, "both instances found");
});

beforeEach(() => {
  sick.fault = undefined;
  well.fault = undefined;
});

afterAll(async () => {
  await mesh.close();
  sick.close();
  well.close();
  rmSync(folder, { recursive: true, force: true });
});

function invoke(path: string): Promise<Answer> {
  return call(caller.httpPort, "POST", `/v1.0/invoke/faulty/method${path}`, { body: "order" });
}

test.each<[Fault, number, string]>([
  [503, 503, ""],
  [429, 429, ""],
  ["reset", 500, "ERR_DIRECT_INVOKE"],
  ["hang", 500, "context deadline exceeded"],
  ["slow", 500, "context deadline exceeded"],
])(
  "%s at one of two instances costs no call; at both the last answer is told",
  async (fault, status, text) => {
    sick.fault = fault;
    for (let count = 0; count < 4; count++) {
      expect((await invoke(`/status/200/one-${fault}`)).status).toBe(200);
    }
    expect(sick.count(`/status/200/one-${fault}`)).toBeGreaterThan(0);
    well.fault = fault;
    const path = `/status/200/both-${fault}`;
    const answer = await invoke(path);
    expect(answer.status).toBe(status);
    expect(sick.count(path) + well.count(path)).toBe(3);
    if (status === 500) expect(answer.body).toContain(text);
  },
);

test("an app that is gone, then its sidecar too, costs no call", async () => {
  sick.close();
  for (let count = 0; count < 4; count++) {
    expect((await invoke("/status/200/app-gone")).status).toBe(200);
  }
  await sickSidecar.end("SIGKILL");
  for (let count = 0; count < 6; count++) {
    expect((await invoke("/status/200/sidecar-gone")).status).toBe(200);
  }
  expect(well.count("/status/200/sidecar-gone")).toBe(6);
});
