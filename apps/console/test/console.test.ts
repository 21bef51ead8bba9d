import { type IncomingHttpHeaders, request } from "node:http";
import { type ConsoleOptions, type RunningConsole, startConsole } from "@outrigger/console";
import { afterEach, expect, test } from "vitest";
import { type FakeSidecar, fakeSidecar, snapshot } from "./fake-sidecar.ts";

const open: (RunningConsole | FakeSidecar)[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function start(options: ConsoleOptions = {}): Promise<RunningConsole> {
  const console = await startConsole({ port: 0, findLocal: false, ...options });
  open.push(console);
  return console;
}

async function sidecar(answer: Parameters<typeof fakeSidecar>[0]): Promise<FakeSidecar> {
  const started = await fakeSidecar(answer);
  open.push(started);
  return started;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function get(
  { url }: RunningConsole,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: hostname, port, path, method, headers, agent: false });
    outgoing.once("error", reject);
    outgoing.once("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.once("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    outgoing.end();
  });
}

test("serves a page that can load nothing from elsewhere", async () => {
  const console = await start();
  const page = await get(console, "/");
  expect(page.status).toBe(200);
  const policy = page.headers["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  const linked = [...page.body.matchAll(/(?:src|href)="(\/[^"#]*)"/g)].map(
    ([, path]) => path ?? "",
  );
  expect(linked.length).toBeGreaterThan(2);
  for (const path of linked) expect((await get(console, path)).status, path).toBe(200);
  expect(page.body).not.toMatch(/(?:src|href)="(?!\/|#)/);
});

test("only reads, and has no other files", async () => {
  const console = await start();
  expect((await get(console, "/", {}, "POST")).status).toBe(405);
  for (const path of ["/../package.json", "/%2e%2e/package.json", "/index.html", "//x", "/api"]) {
    expect((await get(console, path)).status, path).toBeGreaterThanOrEqual(400);
  }
});

test("refuses requests under a name of somebody else", async () => {
  const console = await start();
  expect((await get(console, "/api/mesh", { host: "rebound.example" })).status).toBe(403);
  expect((await get(console, "/api/mesh", { host: "localhost:1" })).status).toBe(200);
});

test("takes a token where others can reach it", async () => {
  const console = await start({ host: "0.0.0.0" });
  expect(console.url).toMatch(/^http:\/\/0\.0\.0\.0:\d+\/\?token=[\w-]{24}$/);
  expect((await get(console, "/")).status).toBe(401);
  expect((await get(console, "/api/mesh")).status).toBe(401);
  expect((await get(console, "/?token=wrong")).status).toBe(401);
  const { search, searchParams } = new URL(console.url);
  const welcome = await get(console, `/${search}`);
  expect([welcome.status, welcome.headers.location]).toEqual([303, "/"]);
  const [cookie = ""] = welcome.headers["set-cookie"] ?? [];
  expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
  const token = searchParams.get("token") ?? "";
  expect(cookie).not.toContain(token);
  const kept = { cookie: cookie.split(";")[0] ?? "" };
  expect((await get(console, "/api/mesh", kept)).status).toBe(200);
  const bearer = { authorization: `Bearer ${token}` };
  expect((await get(console, "/api/mesh", bearer)).status).toBe(200);
});

test("puts sidecars together and says what is wrong with the others", async () => {
  const orders = await sidecar(() => snapshot("orders"));
  const guarded = await sidecar((headers) =>
    headers["dapr-api-token"] === "let-me-in" ? snapshot("guarded") : 401,
  );
  const odd = await sidecar(() => ({ hello: "world" }));
  const dapr = await sidecar(() => 404);
  const sidecars = [orders, guarded, odd, dapr].map(({ address }) => address);
  const console = await start({ sidecars: [...sidecars, "127.0.0.1:1"], apiToken: "let-me-in" });
  const mesh = JSON.parse((await get(console, "/api/mesh")).body) as {
    readonly nodes: readonly { readonly appId: string }[];
    readonly sidecars: readonly { readonly appId: string; readonly problem?: string }[];
  };
  expect(mesh.nodes.map(({ appId }) => appId)).toEqual(["guarded", "orders"]);
  expect(mesh.sidecars.map(({ problem }) => problem)).toEqual([
    undefined,
    undefined,
    "it answers, but not with a call graph",
    "it has no call graph (Dapr, or Outrigger on another machine)",
    "nobody listens there",
  ]);
});

test("tells about the sidecars that it knows, and asks nobody else", async () => {
  const orders = await sidecar((_headers, path) =>
    path === "/outrigger/v1/sidecar" ? { appId: "orders" } : snapshot("orders"),
  );
  const stranger = await sidecar(() => ({ secret: true }));
  const console = await start({ sidecars: [orders.address] });
  const ask = (address: string) =>
    get(console, `/api/sidecar?url=${encodeURIComponent(`http://${address}`)}`);
  expect(JSON.parse((await ask(orders.address)).body)).toEqual({ appId: "orders" });
  expect(await ask(stranger.address)).toMatchObject({ status: 502, body: "no such sidecar\n" });
});

test("asks the sidecars only while somebody looks, and once for all who look", async () => {
  let asked = 0;
  const orders = await sidecar(() => {
    asked += 1;
    return snapshot("orders");
  });
  const console = await start({ sidecars: [orders.address] });
  expect(asked).toBe(0);
  await Promise.all(Array.from({ length: 20 }, () => get(console, "/api/mesh")));
  expect(asked).toBe(1);
});

test("shows sidecars that something else finds", async () => {
  const orders = await sidecar(() => snapshot("orders"));
  const console = await start({ find: async () => [orders.address, "not an address"] });
  await expect
    .poll(async () => (await get(console, "/api/mesh")).body, { timeout: 5_000 })
    .toContain('"appId":"orders"');
});

test.for([
  [{ token: "short" }, "token"],
  [{ sidecars: ["http://host/path"] }, "sidecars"],
  [{ traceUrl: "javascript:alert({traceId})" }, "traceUrl"],
  [{ traceUrl: "http://zipkin/traces" }, "traceUrl"],
  [{ port: 70_000 }, "port"],
] as const)("refuses %j", async ([options, field]) => {
  await expect(startConsole({ ...options })).rejects.toMatchObject({
    code: "OTR_OPTIONS_INVALID",
    message: expect.stringContaining(field),
  });
});

test("a taken port is an error of its own", async () => {
  const first = await start();
  const port = Number(new URL(first.url).port);
  await expect(startConsole({ port })).rejects.toMatchObject({ code: "OTR_LISTEN_FAILED" });
});
