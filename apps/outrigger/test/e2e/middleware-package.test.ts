import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { call, Mesh } from "./mesh.ts";
import { pipelineConfig, resourcesFolder } from "./middleware-files.ts";

const workspace = join(import.meta.dirname, "../../../..");
const example = join(workspace, "tooling/middleware-example");

let mesh: Mesh;

afterEach(async () => {
  await mesh.close();
});

test("the example of the docs runs in a sidecar, as the Component beside it asks for", async () => {
  mesh = new Mesh();
  const app = await mesh.app((request: IncomingMessage, response: ServerResponse) => {
    response.end(request.headers["x-stamp"]);
  });
  const source = stripTypeScriptTypes(readFileSync(join(example, "stamp.ts"), "utf8"));
  const component = readFileSync(join(example, "component.yaml"), "utf8");
  const folder = resourcesFolder(mesh, [component], { "my-stamp": source });
  mkdirSync(join(folder, "node_modules/@outrigger"));
  symlinkSync(join(workspace, "packages/core"), join(folder, "node_modules/@outrigger/core"));
  const stamp = { name: "stamp", type: "middleware.http.npm:my-stamp" };

  const { httpPort } = await mesh.sidecar("orders", {
    appPort: app.port,
    extraConfig: pipelineConfig({ appHttpPipeline: [stamp] }),
    flags: ["--resources-path", folder],
  });

  expect((await call(httpPort, "GET", "/v1.0/invoke/orders/method/x")).body).toBe("orders");
  const refused = await call(httpPort, "GET", "/v1.0/invoke/orders/method/closed");
  expect([refused.status, refused.body]).toEqual([403, "closed\n"]);
});
