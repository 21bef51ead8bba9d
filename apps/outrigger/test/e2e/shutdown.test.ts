import { afterEach, beforeEach, expect, test } from "vitest";
import { call, Mesh, type SidecarProcess, waitFor, waitHealthy } from "./mesh.ts";

let mesh: Mesh;
beforeEach(() => {
  mesh = new Mesh();
});
afterEach(() => mesh.close());

/** A sidecar with a call under way that its app never answers. */
async function busySidecar(): Promise<SidecarProcess> {
  let called = false;
  const app = await mesh.app((request) => {
    if (request.url === "/hang") called = true;
  });
  const sidecar = await mesh.sidecar("busy", { appPort: app.port });
  call(sidecar.httpPort, "GET", "/v1.0/invoke/busy/method/hang").catch(() => undefined);
  await waitFor(async () => called, "the call at the app");
  return sidecar;
}

function exitOf({ child }: SidecarProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", resolve));
}

function occurrences({ output }: SidecarProcess, text: string): number {
  return output().split(text).length - 1;
}

test("a forced shutdown ends the process with 1, whatever is under way", async () => {
  const sidecar = await busySidecar();
  const exit = exitOf(sidecar);
  const headers = { "dapr-force-shutdown": "true" };
  const answer = await call(sidecar.httpPort, "POST", "/v1.0/shutdown", { headers });
  expect(answer.status).toBe(204);
  expect(await exit).toBe(1);
});

test("a second signal ends a drain with 1", async () => {
  const sidecar = await busySidecar();
  const exit = exitOf(sidecar);
  sidecar.child.kill("SIGTERM");
  await waitFor(async () => sidecar.output().includes("shutting down"), "the drain");
  sidecar.child.kill("SIGTERM");
  expect(await exit).toBe(1);
  expect(sidecar.output()).toContain("during shutdown; exiting immediately");
});

test("a signal while the app is awaited ends the process with 0", async () => {
  const app = await mesh.app(() => undefined);
  await app.close();
  const sidecar = await mesh.sidecar("early", { appPort: app.port, wait: false });
  await waitHealthy(sidecar, "/v1.0/healthz/outbound");
  expect(await sidecar.end("SIGTERM")).toBe(0);
});

test("hangups restart on the same ports, as often as they come", async () => {
  const app = await mesh.app((_request, response) => response.end("here"));
  const sidecar = await mesh.sidecar("again", { appPort: app.port });
  for (const lives of [2, 3]) {
    sidecar.child.kill("SIGHUP");
    await waitFor(
      async () => occurrences(sidecar, "Status: Running") === lives,
      `life ${lives}: ${sidecar.output()}`,
    );
    const answer = await call(sidecar.httpPort, "GET", "/v1.0/invoke/again/method/x");
    expect(answer.body).toBe("here");
  }
  expect(await sidecar.end("SIGTERM")).toBe(0);
});

test.each([
  ["ends with 0", {}, 0],
  ["and by force with 1", { "dapr-force-shutdown": "true" }, 1],
])("the shutdown API ends a blocked shutdown %s", async (_title, headers, code) => {
  const flags = ["--dapr-block-shutdown-duration", "1h"];
  const sidecar = await mesh.sidecar("blocked", { flags });
  const exit = exitOf(sidecar);
  sidecar.child.kill("SIGTERM");
  await waitFor(async () => sidecar.output().includes("Blocking graceful shutdown"), "the block");
  const answer = await call(sidecar.httpPort, "POST", "/v1.0/shutdown", { headers });
  expect(answer.status).toBe(204);
  expect(await exit).toBe(code);
});
