import { afterEach, beforeEach, expect, test } from "vitest";
import { call, Mesh, waitFor } from "./mesh.ts";

let mesh: Mesh;
beforeEach(() => {
  mesh = new Mesh();
});
afterEach(() => mesh.close());

test.skipIf(process.platform === "win32")(
  "SIGUSR2 switches the log to debug and back, also in a life after a restart",
  async () => {
    const sidecar = await mesh.sidecar("talker", { flags: ["--log-level", "error"] });
    const lines = (text: string): number => sidecar.output().split(text).length - 1;
    const restart = async (): Promise<void> => {
      const debugLines = lines("level=debug");
      sidecar.child.kill("SIGHUP");
      await waitFor(async () => lines("level=debug") > debugLines, "lines of the new life");
    };
    expect(sidecar.output()).not.toContain("level=info");

    sidecar.child.kill("SIGUSR2");
    await waitFor(async () => lines("Log level set to: debug") === 1, "the level to change");
    await restart();
    sidecar.child.kill("SIGUSR2");
    await waitFor(async () => lines("Log level set to: error") === 1, "the level to change back");
    await waitFor(
      async () => (await call(sidecar.httpPort, "GET", "/v1.0/healthz")).status === 204,
      "the sidecar to serve",
    );
    const infos = lines("level=info");
    await call(sidecar.httpPort, "PUT", "/v1.0/metadata/key", { body: "value" });
    sidecar.child.kill("SIGTERM");
    await sidecar.end();
    expect(lines("level=info")).toBe(infos);
  },
);

test("API calls are logged at every level", async () => {
  const flags = ["--log-level", "error", "--enable-api-logging"];
  const sidecar = await mesh.sidecar("talker", { flags });
  await call(sidecar.httpPort, "GET", "/v1.0/metadata");
  await waitFor(async () => sidecar.output().includes("HTTP API Called"), "the line of the call");
});
