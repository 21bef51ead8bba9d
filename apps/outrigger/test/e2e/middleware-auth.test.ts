import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { call, Mesh, type SidecarProcess } from "./mesh.ts";
import { componentText, pipelineConfig, resourcesFolder } from "./middleware-files.ts";

let mesh: Mesh;

afterEach(async () => {
  await mesh.close();
});

/** Answers with what arrived. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const { authorization = "none", cookie = "none", "x-user": user = "nobody" } = request.headers;
  response.end([request.url, authorization, cookie, user].join(" "));
}

/** Starts a sidecar with one middleware around its HTTP API, or around its app. */
async function guarded(
  name: string,
  settings: Readonly<Record<string, string>>,
  { wait = true, pipeline = "httpPipeline" } = {},
): Promise<SidecarProcess> {
  const app = await mesh.app(echo);
  const handler = { name: "guard", type: `middleware.http.${name}` };
  return mesh.sidecar("self", {
    appPort: app.port,
    extraConfig: pipelineConfig({ [pipeline]: [handler] }),
    flags: ["--resources-path", resourcesFolder(mesh, [componentText(handler, settings)])],
    wait,
  });
}

/** A provider that issues a token to everybody who has a code, or the secret. */
async function startProvider(): Promise<string> {
  const { port } = await mesh.app((request, response) => void answer(request, response));
  return `http://127.0.0.1:${port}`;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parameters = new URLSearchParams(await text(request));
  const grant = parameters.get("grant_type");
  const known = parameters.has("code_verifier") || grant === "client_credentials";
  response.writeHead(known ? 200 : 400, { "content-type": "application/json" });
  response.end(JSON.stringify({ access_token: `${grant}-token`, token_type: "Bearer" }));
}

const path = "/v1.0/invoke/self/method/x";
const pathFilter = "^/v1.0/invoke/";

describe("middleware.http.oauth2clientcredentials", () => {
  it("adds a token to calls", async () => {
    mesh = new Mesh();
    const settings = { clientID: "a", clientSecret: "hidden", scopes: "x", headerName: "x-token" };
    const tokenURL = await startProvider();
    const more = { tokenURL, headerName: "Authorization", pathFilter };
    const { httpPort, output } = await guarded("oauth2clientcredentials", { ...settings, ...more });
    const { body } = await call(httpPort, "GET", path);
    expect(body).toBe("/x Bearer client_credentials-token none nobody");
    expect(output()).not.toContain("hidden");
  });

  it("ends the start in Dapr's words when settings are missing", async () => {
    mesh = new Mesh();
    const { child, output } = await guarded(
      "oauth2clientcredentials",
      { clientID: "a" },
      { wait: false },
    );
    await once(child, "close");
    expect(child.exitCode).toBe(1);
    const type = "middleware.http.oauth2clientcredentials/v1";
    for (const words of [
      `[INIT_COMPONENT_FAILURE]: initialization error occurred for guard (${type}): `,
      `[CREATE_COMPONENT_FAILURE]: initialization error occurred for guard (${type}): process component guard error: `,
      `error creating HTTP middleware ${type}: metadata errors: Parameter 'headerName' needs to be set. `,
    ]) {
      expect(output()).toContain(words);
    }
  });
});

describe("middleware.http.oauth2", () => {
  it("sends people to the provider and back, and calls with their token", async () => {
    mesh = new Mesh();
    const tokenURL = await startProvider();
    const authURL = "https://login.example.com/auth";
    const settings = { clientID: "a", clientSecret: "hidden", authURL, tokenURL, pathFilter };
    const { httpPort } = await guarded("oauth2", settings);
    const begun = await call(httpPort, "GET", `${path}?page=1`);
    expect(begun.status).toBe(302);
    const page = new URL(`${begun.headers.location}`);
    expect(page.origin + page.pathname).toBe(authURL);
    const cookieOf = (answer: typeof begun): string =>
      `${answer.headers["set-cookie"]}`.split(";")[0] ?? "";
    const query = `code=1&state=${page.searchParams.get("state")}`;
    const ended = await call(httpPort, "GET", `/v1.0/invoke/callback?${query}`, {
      headers: { cookie: cookieOf(begun) },
    });
    expect([ended.status, ended.headers.location]).toEqual([302, `${path}?page=1`]);
    const headers = { cookie: `${cookieOf(ended)}; own=1` };
    const { body } = await call(httpPort, "GET", `${path}?page=1`, { headers });
    expect(body).toBe("/x?page=1 Bearer authorization_code-token own=1 nobody");
  });
});

describe("middleware.http.opa", () => {
  // The path is all that this policy looks at.
  const policies = "../../../../packages/middleware-opa/test/policies";
  const policyFile = join(import.meta.dirname, policies, "gate.tar.gz");

  it("lets calls pass that the policy allows", async () => {
    mesh = new Mesh();
    const settings = { policyFile, defaultStatus: "404" };
    const { httpPort } = await guarded("opa", settings, { pipeline: "appHttpPipeline" });
    const refused = await call(httpPort, "GET", path);
    expect([refused.status, refused.body]).toEqual([404, "Not Found"]);
    const headers = { "x-user": "forged" };
    const { body } = await call(httpPort, "GET", "/v1.0/invoke/self/method/stamp", { headers });
    expect(body).toBe("/stamp none none ann");
  });

  it("says how to compile a policy of which there is the source text alone", async () => {
    mesh = new Mesh();
    const { child, output } = await guarded("opa", { rego: "package http" }, { wait: false });
    await once(child, "close");
    expect(child.exitCode).toBe(1);
    expect(output()).toContain("opa build -t wasm -e http/allow");
  });
});
