import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, Mesh } from "./mesh.ts";

let mesh: Mesh;
let folder: string;
beforeEach(() => {
  mesh = new Mesh();
  folder = mkdtempSync(join(tmpdir(), "outrigger-resources-"));
});
afterEach(async () => {
  await mesh.close();
  rmSync(folder, { recursive: true, force: true });
});

function writeEndpoint(name: string, spec: string): void {
  const head = `apiVersion: dapr.io/v1alpha1\nkind: HTTPEndpoint\nmetadata:\n  name: ${name}\n`;
  writeFileSync(join(folder, `${name}.yaml`), `${head}spec:\n${spec}`);
}

test("endpoints of resources and URLs are called; a broken endpoint costs itself alone", async () => {
  const echo = await mesh.app((request, response) => {
    const { headers, url } = request;
    response.end(JSON.stringify({ url, headers }));
  });
  const baseUrl = `http://127.0.0.1:${echo.port}`;
  writeEndpoint(
    "site",
    `  baseUrl: ${baseUrl}/base/
  headers:
  - name: X-Key
    envRef: SITE_KEY
  - name: X-Token
    envRef: APP_API_TOKEN
`,
  );
  writeEndpoint("own", `  baseUrl: ${baseUrl}/shadow\n`);
  writeEndpoint(
    "broken",
    `  baseUrl: https://127.0.0.1:1\n  clientTLS:\n    rootCA:\n      value: nothing\n`,
  );
  writeEndpoint(
    "secret",
    `  baseUrl: ${baseUrl}\n  headers:\n  - name: X-Key\n    secretKeyRef:\n      name: keys\n`,
  );
  const { httpPort, output } = await mesh.sidecar("own", {
    appPort: echo.port,
    flags: ["--resources-path", folder],
    env: { SITE_KEY: "k1", APP_API_TOKEN: "app-secret", DAPR_ENV_KEYS: "SITE_KEY" },
  });
  const invoke = (id: string) => call(httpPort, "GET", `/v1.0/invoke/${id}/method/m?x=1`);

  const site = JSON.parse((await invoke("site")).body);
  expect(site.url).toBe("/base//m?x=1");
  expect(site.headers).toMatchObject({ "x-key": "k1", "x-token": "" });
  expect(site.headers["dapr-api-token"]).toBeUndefined();
  expect(JSON.parse((await invoke("own")).body).url).toBe("/shadow/m?x=1");
  const url = JSON.parse((await invoke(baseUrl)).body);
  expect(url.url).toBe("/m?x=1");
  expect(url.headers["dapr-api-token"]).toBeUndefined();

  const broken = await invoke("broken");
  expect(broken.status).toBe(500);
  expect(JSON.parse(broken.body)).toMatchObject({
    errorCode: "ERR_DIRECT_INVOKE",
    message: expect.stringContaining("clientTLS.rootCA"),
  });
  const secret = JSON.parse((await invoke("secret")).body);
  expect(secret.message).toMatch(/headers\[0\] \(X-Key\).*"keys".*no secret store is named/);
  expect(output()).toContain("HTTPEndpoint broken is unusable");
  expect(output()).not.toContain("app-secret");

  const metadata = JSON.parse((await call(httpPort, "GET", "/v1.0/metadata")).body);
  const names = metadata.httpEndpoints.map(({ name }: { name: string }) => name).sort();
  expect(names).toEqual(["broken", "own", "secret", "site"]);
});
