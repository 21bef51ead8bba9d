import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { apiSockets, removeStaleSocket } from "../src/sidecar/api-sockets.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "outrigger-sockets-"));
  path = join(folder, "api.socket");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that was killed leaves its socket behind. */
function leaveSocket(): void {
  const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  const { signal } = spawnSync(process.execPath, ["-e", script, path], { timeout: 10_000 });
  expect(signal).toBe("SIGKILL");
}

test("sockets are named as Dapr names them, and only where they are asked for", () => {
  expect(apiSockets({ appId: "orders", unixDomainSocket: "/run" })).toEqual({
    http: "/run/dapr-orders-http.socket",
    grpc: "/run/dapr-orders-grpc.socket",
  });
  expect(apiSockets({ appId: "orders", unixDomainSocket: undefined })).toBeUndefined();
});

test("a socket that a killed process left is removed", async () => {
  leaveSocket();
  expect(existsSync(path)).toBe(true);
  await removeStaleSocket(path);
  expect(existsSync(path)).toBe(false);
});

test("a socket in use stays", async () => {
  const server = createServer().listen(path);
  await once(server, "listening");
  await removeStaleSocket(path);
  expect(existsSync(path)).toBe(true);
  server.close();
});

test("a file that is no socket stays, and nothing there is no failure", async () => {
  writeFileSync(path, "precious");
  await removeStaleSocket(path);
  expect(existsSync(path)).toBe(true);
  await removeStaleSocket(join(folder, "nothing"));
});
