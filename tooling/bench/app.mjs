import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, start, waitFor } from "./processes.mjs";

/** Starts the app behind the callee: nginx when there is one, since it costs least, else Node. */
export async function startApp() {
  const [port] = await freePorts(1);
  const hasNginx = spawnSync("nginx", ["-v"]).status === 0;
  const handle = hasNginx ? startNginx(port) : startNode(port);
  await waitFor(handle, `http://127.0.0.1:${port}/`, 200);
  return { kind: hasNginx ? "nginx" : "plain Node echo", port };
}

function startNode(port) {
  return start([process.execPath, join(import.meta.dirname, "echo-app.mjs"), String(port)]);
}

function startNginx(port) {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "logs"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => {
    return `${name}_temp_path ${folder}/${name};`;
  });
  const configuration = `
worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log stderr crit;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  default_type text/plain;
  ${temporary.join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    location / { return 200 "${"x".repeat(1_024)}"; }
    location /dapr/ { return 404; }
  }
}`;
  const path = join(folder, "nginx.conf");
  writeFileSync(path, configuration);
  return start(["nginx", "-p", folder, "-e", "stderr", "-c", path]);
}
