import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { startKeyServer } from "./key-server.ts";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { componentText, pipelineConfig, resourcesFolder } from "./middleware-files.ts";

let mesh: Mesh;

afterEach(async () => {
  await mesh.close();
});

/** Answers with what arrived. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.once("end", () => {
    response.setHeader("x-seen", `${request.method} ${request.url}`);
    response.end(Buffer.concat(chunks));
  });
}

const uppercase = { name: "up", type: "middleware.http.uppercase" };

describe("pipeline of the HTTP API", () => {
  it("changes what the caller sends, to itself and to others, and nothing that others send to it", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const caller = await mesh.sidecar("caller", {
      appPort: app.port,
      extraConfig: pipelineConfig({ httpPipeline: [uppercase] }),
      flags: ["--resources-path", resourcesFolder(mesh, [componentText(uppercase)])],
    });
    const other = await mesh.sidecar("other", { appPort: app.port });
    const send = async (from: number, to: string): Promise<string> =>
      (await call(from, "POST", `/v1.0/invoke/${to}/method/x`, { body: "shout é" })).body;
    expect(await send(caller.httpPort, "caller")).toBe("SHOUT é");
    await waitFor(async () => (await send(caller.httpPort, "other")) === "SHOUT é", "remote call");
    await waitFor(async () => (await send(other.httpPort, "caller")) === "shout é", "call back");
  });

  it("runs handlers in order before routing, and invokes what the last one names", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const first = { name: "first", type: "middleware.http.routeralias" };
    const second = { name: "second", type: "middleware.http.routeralias" };
    const config = pipelineConfig({ httpPipeline: [first, second] });
    const components = [
      componentText(first, { routes: '{"/hello/{id}": "/foobar", "/v1.0/metadata": "/nowhere"}' }),
      componentText(second, { routes: '"/foobar": /v1.0/invoke/self/method/abc' }),
    ];
    const { httpPort } = await mesh.sidecar("self", {
      appPort: app.port,
      config,
      flags: ["--resources-path", resourcesFolder(mesh, components)],
    });
    const aliased = await call(httpPort, "GET", "/hello/7?a=b");
    expect(aliased.headers["x-seen"]).toBe("GET /abc?a=b&id=7");
    // Fixed routes are found by the path that came.
    expect((await call(httpPort, "GET", "/v1.0/metadata")).body).toContain('"id":"self"');
  });

  it("answers itself where a handler does, for every path, but after the API token", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const checker = { name: "check", type: "middleware.http.routerchecker" };
    const { httpPort } = await mesh.sidecar("self", {
      appPort: app.port,
      extraConfig: pipelineConfig({ httpPipeline: [checker] }),
      flags: [
        "--resources-path",
        resourcesFolder(mesh, [componentText(checker, { rule: "^/v1.0/(healthz|invoke/self/)" })]),
      ],
      env: { DAPR_API_TOKEN: "secret" },
    });
    const headers = { "dapr-api-token": "secret" };
    expect((await call(httpPort, "GET", "/nowhere")).status).toBe(401);
    const refused = await call(httpPort, "GET", "/v1.0/metadata", { headers });
    expect([refused.status, refused.body]).toEqual([400, "invalid router"]);
    expect((await call(httpPort, "GET", "/v1.0/invoke/self/method/x", { headers })).status).toBe(
      200,
    );
  });
});

describe("pipeline of the app", () => {
  it("changes what the own app gets, from itself and from others, and nothing that it sends", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const callee = await mesh.sidecar("callee", {
      appPort: app.port,
      extraConfig: pipelineConfig({ appHttpPipeline: [uppercase] }),
      flags: ["--resources-path", resourcesFolder(mesh, [componentText(uppercase)])],
    });
    const other = await mesh.sidecar("other", { appPort: app.port });
    const send = async (from: number, to: string): Promise<string> =>
      (await call(from, "POST", `/v1.0/invoke/${to}/method/x`, { body: "shout" })).body;
    expect(await send(callee.httpPort, "callee")).toBe("SHOUT");
    await waitFor(async () => (await send(other.httpPort, "callee")) === "SHOUT", "remote call");
    await waitFor(async () => (await send(callee.httpPort, "other")) === "shout", "call out");
  });

  it("changes what URL targets get, and the path at the app", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const alias = { name: "alias", type: "middleware.http.routeralias" };
    const { httpPort } = await mesh.sidecar("self", {
      appPort: app.port,
      extraConfig: pipelineConfig({ appHttpPipeline: [alias, uppercase] }),
      flags: [
        "--resources-path",
        resourcesFolder(mesh, [componentText(alias, { "/old": "/new" }), componentText(uppercase)]),
      ],
    });
    const own = await call(httpPort, "POST", "/v1.0/invoke/self/method/old?q=1", { body: "a" });
    expect([own.headers["x-seen"], own.body]).toEqual(["POST /new?q=1", "A"]);
    const url = `/v1.0/invoke/http://127.0.0.1:${app.port}/method/old`;
    const external = await call(httpPort, "POST", url, { body: "a" });
    expect([external.headers["x-seen"], external.body]).toEqual(["POST /new", "A"]);
  });
});

describe("components", () => {
  it("skips handlers without a component of their name, type and version, with a warning each", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const handlers = [
      { name: "missing", type: "middleware.http.uppercase" },
      { name: "up", type: "middleware.http.routeralias" },
      { name: "up", type: "middleware.http.uppercase", version: "v2" },
    ];
    const { httpPort, output } = await mesh.sidecar("self", {
      appPort: app.port,
      extraConfig: pipelineConfig({ httpPipeline: handlers }),
      flags: ["--resources-path", resourcesFolder(mesh, [componentText(uppercase)])],
    });
    const answer = await call(httpPort, "POST", "/v1.0/invoke/self/method/x", { body: "a" });
    expect(answer.body).toBe("a");
    expect(output().match(/handler \S+ \(\S+\) is skipped/g)).toHaveLength(3);
  });

  it("reads variables and fills templates", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const alias = { name: "alias", type: "middleware.http.routeralias" };
    const text = `${componentText(alias)}    - {name: /one, value: "/{appID}"}
    - {name: /two, envRef: ALIAS}
`;
    const { httpPort } = await mesh.sidecar("self", {
      appPort: app.port,
      extraConfig: pipelineConfig({ appHttpPipeline: [alias] }),
      flags: ["--resources-path", resourcesFolder(mesh, [text])],
      env: { ALIAS: "/from-env" },
    });
    const seen = async (method: string): Promise<unknown> =>
      (await call(httpPort, "GET", `/v1.0/invoke/self/method/${method}`)).headers["x-seen"];
    expect(await seen("one")).toBe("GET /self");
    expect(await seen("two")).toBe("GET /from-env");
  });

  it("reads secrets of a local store, whatever the order of the files", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const alias = { name: "alias", type: "middleware.http.routeralias" };
    const document = `${componentText(alias)}    - {name: /old, secretKeyRef: {name: SECRET_PATH}}
auth:
  secretStore: vars
`;
    const store = componentText({ name: "vars", type: "secretstores.local.env" });
    const { httpPort } = await mesh.sidecar("self", {
      appPort: app.port,
      extraConfig: pipelineConfig({ appHttpPipeline: [alias] }),
      flags: ["--resources-path", resourcesFolder(mesh, [document, store])],
      env: { SECRET_PATH: "/new" },
    });
    const answer = await call(httpPort, "GET", "/v1.0/invoke/self/method/old");
    expect(answer.headers["x-seen"]).toBe("GET /new");
    const metadata = JSON.parse((await call(httpPort, "GET", "/v1.0/metadata")).body);
    expect(metadata.components).toEqual([
      { name: "vars", type: "secretstores.local.env", version: "v1" },
      { name: "alias", type: "middleware.http.routeralias", version: "v1" },
    ]);
  });

  it("ends the start for a type that does not exist, and for one that is not there yet", async () => {
    mesh = new Mesh();
    for (const [type, reason] of [
      [
        "middleware.http.nonesuch",
        "HTTP middleware middleware.http.nonesuch/v1 has not been registered",
      ],
      ["middleware.http.wasm", "not available in this version of Outrigger yet"],
      ["telepathy.mind", "process component bad error: incorrect type telepathy.mind"],
    ] as const) {
      const folder = resourcesFolder(mesh, [componentText({ name: "bad", type })]);
      const flags = ["--resources-path", folder];
      const sidecar = await mesh.sidecar("self", { flags, wait: false });
      await new Promise((resolve) => sidecar.child.once("close", resolve));
      expect(sidecar.child.exitCode).toBe(1);
      expect(sidecar.output()).toContain("Error processing component, daprd will exit gracefully");
      expect(sidecar.output()).toContain(reason);
    }
  });

  it("goes on without other building blocks, and without broken components that may be missing", async () => {
    mesh = new Mesh();
    const folder = resourcesFolder(mesh, [
      componentText({ name: "store", type: "state.redis" }),
      componentText(
        { name: "bad", type: "middleware.http.nonesuch" },
        {},
        "  ignoreErrors: true\n",
      ),
    ]);
    const { output } = await mesh.sidecar("self", { flags: ["--resources-path", folder] });
    expect(output()).toContain("Component store (state.redis/v1) is not loaded");
    expect(output()).toContain("Ignoring error processing component: process component bad error");
  });
});

describe("tokens", () => {
  it("guards the app with the keys of an issuer, and starts only when it has them", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const issuer = await startKeyServer(mesh);
    const guard = { name: "guard", type: "middleware.http.bearer" };
    const start = (jwksURL: string, wait: boolean): Promise<SidecarProcess> =>
      mesh.sidecar("self", {
        appPort: app.port,
        extraConfig: pipelineConfig({ httpPipeline: [guard] }),
        flags: [
          "--resources-path",
          resourcesFolder(mesh, [
            componentText(guard, { issuerURL: "https://issuer", clientID: "self", jwksURL }),
          ]),
        ],
        wait,
      });
    const broken = await start(`${issuer.url}/missing`, false);
    await once(broken.child, "close");
    expect(broken.child.exitCode).toBe(1);
    expect(broken.output()).toContain("failed to fetch JWKS");
    const { httpPort, child } = await start(issuer.url, false);
    const ask = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await call(httpPort, "GET", "/v1.0/invoke/self/method/x", { headers })).status;
    };
    const token = issuer.sign({ iss: "https://issuer", aud: "self" });
    await waitFor(async () => (await ask(token).catch(() => 0)) === 200, "a valid token");
    expect(child.exitCode).toBeNull();
    expect(await ask(issuer.sign({ iss: "https://issuer", aud: "other" }))).toBe(401);
    expect((await call(httpPort, "GET", "/v1.0/healthz")).status).toBe(401);
  });
});

describe("packages of somebody else", () => {
  it("loads one by its name; what it throws costs one request", async () => {
    mesh = new Mesh();
    const app = await mesh.app(echo);
    const type = "middleware.http.npm:acme-header";
    const acme = { name: "acme", type };
    const folder = resourcesFolder(mesh, [componentText(acme, { value: "yes" })], {
      "acme-header": `export const middleware = ({ value }) => () => ({
  name: "acme-header",
  handle: async (request, next) => {
    if (request.path === "/throw") throw new Error("acme is broken");
    const response = await next({ ...request, headers: [...request.headers, "x-acme", value] });
    return { ...response, headers: [...response.headers, "x-acme-seen", value] };
  },
});`,
    });
    const { httpPort, output } = await mesh.sidecar("self", {
      appPort: app.port,
      extraConfig: pipelineConfig({ appHttpPipeline: [acme] }),
      flags: ["--resources-path", folder],
    });
    const broken = await call(httpPort, "GET", "/v1.0/invoke/self/method/throw");
    expect([broken.status, broken.body]).toEqual([500, "Internal Server Error\n"]);
    expect(output()).toContain('HTTP middleware failed for \\"/throw\\": acme is broken');
    const answer = await call(httpPort, "GET", "/v1.0/invoke/self/method/x");
    expect([answer.status, answer.headers["x-acme-seen"]]).toEqual([200, "yes"]);
  });
});
