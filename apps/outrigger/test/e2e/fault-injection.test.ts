import { rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { call, Mesh, waitFor } from "./mesh.ts";
import { componentText, pipelineConfig, resourcesFolder } from "./middleware-files.ts";

let mesh: Mesh;

afterEach(async () => {
  await mesh.close();
});

const faults = { name: "faults", type: "middleware.http.outrigger.faultinjection" };

it("delays and fails the calls that a header names, and stops when its file goes", async () => {
  mesh = new Mesh();
  let calls = 0;
  const app = await mesh.app((_request: IncomingMessage, response: ServerResponse) => {
    calls += 1;
    response.end("fine");
  });
  const settings = {
    ...{ delayPercentage: "100", delayDuration: "200ms" },
    ...{ abortPercentage: "100", abortHttpStatus: "503" },
    headers: '{"x-try":"faults"}',
  };
  const folder = resourcesFolder(mesh, []);
  const file = join(folder, "faults.yaml");
  writeFileSync(file, componentText(faults, settings));
  await mesh.sidecar("callee", {
    appPort: app.port,
    extraConfig: pipelineConfig({ appHttpPipeline: [faults] }),
    flags: ["--resources-path", folder],
  });
  const { httpPort } = await mesh.sidecar("caller", {});
  const ask = (value: string) =>
    call(httpPort, "GET", "/v1.0/invoke/callee/method/x", { headers: { "x-try": value } });
  await waitFor(async () => (await ask("nothing")).body === "fine", "the app");
  const before = calls;
  const startedAt = performance.now();
  const failed = await ask("faults");
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(200);
  expect([failed.status, failed.body]).toEqual([503, "fault injected\n"]);
  expect(failed.headers["x-outrigger-fault"]).toBe("abort");
  expect(calls).toBe(before);
  rmSync(file);
  await waitFor(async () => (await ask("faults")).body === "fine", "the end of the faults");
});
