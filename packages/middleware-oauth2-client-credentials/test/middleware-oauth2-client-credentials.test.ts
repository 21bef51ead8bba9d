import {
  type HeaderList,
  type HttpMiddlewareComponent,
  type LogLevel,
  silentLogger,
} from "@outrigger/core";
import {
  type MiddlewareOAuth2ClientCredentialsOptions,
  middlewareOAuth2ClientCredentials,
} from "@outrigger/middleware-oauth2-client-credentials";
import { afterEach, expect, test } from "vitest";
import {
  client,
  startProvider,
  startTokenServer,
  type TokenRequest,
  type TokenServer,
} from "./token-server.ts";

const servers: TokenServer[] = [];
let nowMs = 1_000_000;
let lines: string[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  lines = [];
});

function make(options: Partial<MiddlewareOAuth2ClientCredentialsOptions>): HttpMiddlewareComponent {
  const log = { ...silentLogger, log: (_level: LogLevel, text: string) => void lines.push(text) };
  const tokenUrl = `${servers[0]?.url}/token`;
  return middlewareOAuth2ClientCredentials({ ...client, tokenUrl, ...options })({
    appId: "self",
    namespace: "default",
    log,
    now: () => nowMs,
    random: Math.random,
  });
}

interface Seen {
  readonly status: number;
  /** `undefined` when the request did not come through. */
  readonly headers: HeaderList | undefined;
}

async function send(
  middleware: HttpMiddlewareComponent,
  path = "/",
  headers: HeaderList = [],
  signal: AbortSignal = new AbortController().signal,
): Promise<Seen> {
  let seen: HeaderList | undefined;
  const body = Buffer.alloc(0);
  const request = { method: "GET", path, query: "", headers, body, bodyLength: 0, signal };
  const { status } = await middleware.handle(request, async (passed) => {
    seen = passed.headers;
    return { status: 200, headers: [], body };
  });
  return { status, headers: seen };
}

async function fakeServer(
  answer: (request: TokenRequest, count: number) => Promise<readonly [number, unknown]>,
): Promise<{ count(): number }> {
  const server = await startTokenServer(answer);
  servers.push(server);
  return server;
}

const issue = (count: number, more: object = { expires_in: 600 }): readonly [number, unknown] => [
  200,
  { access_token: `token-${count}`, token_type: "bearer", ...more },
];

test.for(["client_secret_basic", "client_secret_post"] as const)(
  "gets a token of a real provider that wants %s",
  async (method) => {
    const provider = await startProvider(method);
    servers.push(provider);
    const middleware = make({ scopes: ["stock.read", "stock.write"] });
    const { status, headers } = await send(middleware, "/", ["Accept", "*/*"]);
    expect(status).toBe(200);
    expect(headers?.slice(0, 3)).toEqual(["Accept", "*/*", "Authorization"]);
    const [scheme, token = ""] = headers?.[3]?.split(" ") ?? [];
    expect(scheme).toBe("Bearer");
    expect(await provider.isKnown(token)).toBe("stock.read stock.write");
    expect((await send(middleware)).headers?.[1]).toBe(`Bearer ${token}`);
    expect(lines).toEqual([]);
  },
);

test("a wrong secret fails requests, and stays out of the log", async () => {
  servers.push(await startProvider("client_secret_basic"));
  const middleware = make({ clientSecret: "quite another" });
  expect(await send(middleware)).toEqual({ status: 502, headers: undefined });
  expect(lines).toEqual([
    expect.stringContaining("Error acquiring token: the provider answered 4"),
  ]);
  expect(lines.join()).not.toContain("quite");
});

test("asks as configured, and puts the token in place of what the client sent", async () => {
  const seen: TokenRequest[] = [];
  await fakeServer(async (request, count) => {
    seen.push(request);
    return issue(count);
  });
  const middleware = make({
    headerName: "X-Token",
    scopes: ["a", "b"],
    authStyle: "params",
    endpointParams: { audience: "stock", resource: ["urn:1", "urn:2"] },
  });
  const sent = ["x-TOKEN", "forged", "Accept", "*/*", "Authorization", "kept"];
  expect((await send(middleware, "/", sent)).headers).toEqual([
    ...["Accept", "*/*", "Authorization", "kept"],
    ...["X-Token", "Bearer token-1"],
  ]);
  expect(seen[0]?.authorization).toBeUndefined();
  expect([...(seen[0]?.parameters ?? [])].sort()).toEqual([
    ["audience", "stock"],
    ["client_id", client.clientId],
    ["client_secret", client.clientSecret],
    ["grant_type", "client_credentials"],
    ["resource", "urn:1"],
    ["resource", "urn:2"],
    ["scope", "a b"],
  ]);
});

test("the way to authenticate that works is tried first from then on", async () => {
  const ways: string[] = [];
  await fakeServer(async ({ authorization }, count) => {
    ways.push(authorization === undefined ? "params" : "header");
    return authorization === undefined ? issue(count) : [401, { error: "invalid_client" }];
  });
  const middleware = make({});
  expect((await send(middleware)).status).toBe(200);
  nowMs += 600_000;
  expect((await send(middleware)).status).toBe(200);
  expect(ways).toEqual(["header", "params", "params"]);
});

test("requests at once share one fetch", async () => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await fakeServer(async (_request, count) => {
    await released;
    return issue(count);
  });
  const middleware = make({});
  const all = Promise.all(Array.from({ length: 50 }, () => send(middleware)));
  await expect.poll(() => server.count()).toBe(1);
  release();
  for (const { headers } of await all) expect(headers?.[1]).toBe("Bearer token-1");
  expect(server.count()).toBe(1);
});

test("a token is renewed before its end, in the background while it is still good", async () => {
  let answers = true;
  const server = await fakeServer(async (_request, count) =>
    answers ? issue(count) : [503, { error: "temporarily_unavailable" }],
  );
  const middleware = make({});
  const token = async (): Promise<string | undefined> => (await send(middleware)).headers?.[1];
  expect(await token()).toBe("Bearer token-1");
  nowMs += 569_000;
  expect(await token()).toBe("Bearer token-1");
  expect(server.count()).toBe(1);
  nowMs += 1_000;
  expect(await token()).toBe("Bearer token-1");
  await expect.poll(token).toBe("Bearer token-2");
  answers = false;
  nowMs += 580_000;
  expect(await token()).toBe("Bearer token-2");
  await expect.poll(() => lines.length).toBe(1);
  nowMs += 20_000;
  expect(await token()).toBeUndefined();
  answers = true;
  expect(await token()).toMatch(/^Bearer token-/);
});

test.for([{}, { expires_in: 3_600 }])("a token of %o is good for an hour", async (more) => {
  await fakeServer(async (_request, count) => issue(count, more));
  const middleware = make({});
  expect((await send(middleware)).headers?.[1]).toBe("Bearer token-1");
  nowMs += 3_500_000;
  expect((await send(middleware)).headers?.[1]).toBe("Bearer token-1");
  nowMs += 100_000;
  expect((await send(middleware)).headers?.[1]).toBe("Bearer token-2");
});

test("a provider that is away, is slow or talks nonsense fails requests until it is back", async () => {
  const answers: (readonly [number, unknown])[] = [[500, "no"], [200, "no"], [200, {}], issue(4)];
  await fakeServer(async (_request, count) => answers[count - 1] ?? issue(count));
  const middleware = make({});
  for (let round = 0; round < 3; round += 1) {
    expect(await send(middleware)).toEqual({ status: 502, headers: undefined });
  }
  expect((await send(middleware)).status).toBe(200);
  const hanging = await startTokenServer(() => new Promise(() => undefined));
  servers.push(hanging);
  const slow = make({ tokenUrl: hanging.url, timeoutMs: 50 });
  expect((await send(slow)).status).toBe(502);
  const away = await startTokenServer(async () => issue(1));
  await away.close();
  expect((await send(make({ tokenUrl: away.url }))).status).toBe(502);
  expect(lines).toHaveLength(5);
  expect(lines[3]).toContain("timeout");
  expect(lines[4]).toContain("ECONNREFUSED");
});

test("an answer without an end is given up", async () => {
  const filler = "x".repeat(2_000_000);
  await fakeServer(async (_request, count) => issue(count, { filler }));
  expect((await send(make({}))).status).toBe(502);
  expect(lines).toEqual([expect.stringContaining("the answer exceeds 1048576 bytes")]);
});

test("a request that is aborted does not take the fetch of the others with it", async () => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await fakeServer(async (_request, count) => {
    await released;
    return issue(count);
  });
  const middleware = make({});
  const client = new AbortController();
  const aborted = send(middleware, "/", [], client.signal);
  const other = send(middleware);
  await expect.poll(() => server.count()).toBe(1);
  client.abort(new Error("gone"));
  await expect(aborted).rejects.toThrow("gone");
  // Taken out of its pipeline: who is in it still gets through.
  await middleware.stop?.();
  release();
  expect((await other).status).toBe(200);
});

test("other paths pass without a token", async () => {
  const server = await fakeServer(async (_request, count) => issue(count));
  const middleware = make({ pathFilter: "^/stock/ä" });
  const headers = ["Authorization", "own"];
  expect((await send(middleware, "/orders", headers)).headers).toBe(headers);
  expect(server.count()).toBe(0);
  expect((await send(middleware, "/stock/%C3%A4pfel", headers)).headers?.[1]).toBe(
    "Bearer token-1",
  );
});
