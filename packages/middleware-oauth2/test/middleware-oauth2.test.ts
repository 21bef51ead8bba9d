import {
  type HttpMiddlewareComponent,
  headerValue,
  type LogLevel,
  silentLogger,
} from "@outrigger/core";
import { type MiddlewareOAuth2Options, middlewareOAuth2 } from "@outrigger/middleware-oauth2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Browser, type Page } from "./browser.ts";
import { type GuardedApp, type Seen, startApp } from "./guarded-app.ts";
import {
  client,
  listen,
  type ProviderOptions,
  startProvider,
  type TestProvider,
} from "./provider.ts";

let app: GuardedApp;
let provider: TestProvider;
let nowMs = 1_000_000;
let lines: string[] = [];

beforeEach(async () => {
  app = await startApp();
  lines = [];
});

afterEach(async () => {
  await Promise.all([app.close(), provider.close()]);
});

type TestOptions = Partial<Omit<MiddlewareOAuth2Options, "clientSecret">> & {
  readonly clientSecret?: string | undefined;
};

async function setUp(
  options: TestOptions = {},
  more: Partial<ProviderOptions> = {},
): Promise<void> {
  provider = await startProvider({ redirectUrl: `${app.url}/callback`, ...more });
  app.guard(make(options));
}

function make(options: TestOptions = {}): HttpMiddlewareComponent {
  const log = { ...silentLogger, log: (_level: LogLevel, text: string) => void lines.push(text) };
  const { clientSecret, ...more } = { clientSecret: client.clientSecret, ...options };
  return middlewareOAuth2({
    clientId: client.clientId,
    authUrl: `${provider.url}/auth`,
    tokenUrl: `${provider.url}/token`,
    redirectUrl: `${app.url}/callback`,
    scopes: ["openid", "orders"],
    ...more,
    ...(clientSecret === undefined ? {} : { clientSecret }),
  })({ appId: "shop", namespace: "default", log, now: () => nowMs, random: Math.random });
}

function seenIn(page: Page): Seen {
  expect([page.status, page.text.slice(0, 1)]).toEqual([200, "{"]);
  return JSON.parse(page.text);
}

function tokenIn(page: Page, header = "authorization"): string {
  return headerValue(seenIn(page).headers, header)?.replace("Bearer ", "") ?? "none";
}

/** Where the provider sends a browser back to, which does not go there yet. */
async function callbackOf(browser: Browser, path = "/"): Promise<URL> {
  const page = await browser.follow(`${app.url}${path}`, {}, ({ pathname }) => {
    return pathname === "/callback";
  });
  return page.url;
}

describe("somebody without a session", () => {
  test("logs in at the provider, and goes on with the token", async () => {
    await setUp();
    const browser = new Browser();
    const page = await browser.follow(`${app.url}/orders/7?full=1&x=%C3%A4`);
    expect(page.url.href).toBe(`${app.url}/orders/7?full=1&x=%C3%A4`);
    expect(await provider.ownerOf(tokenIn(page))).toBe("ann");
    const again = await browser.get(`${app.url}/orders/8`);
    expect(tokenIn(again)).toBe(tokenIn(page));
    expect(provider.tokenRequests()).toBe(1);
    expect(lines).toEqual([]);
  });

  test.for(["client_secret_post", "none"] as const)("with a client of %s", async (method) => {
    await setUp({}, { method });
    app.guard(make(method === "none" ? { clientSecret: undefined } : {}));
    expect(await provider.ownerOf(tokenIn(await new Browser().follow(app.url)))).toBe("ann");
  });

  test("is sent to the provider with what it must know", async () => {
    await setUp({ authUrl: "https://login.example.com/auth?tenant=a" });
    const { status, headers } = await new Browser().get(`${app.url}/orders`);
    expect(status).toBe(302);
    expect(headers.get("cache-control")).toBe("no-store");
    const page = new URL(headers.get("location") ?? "");
    expect(page.origin + page.pathname).toBe("https://login.example.com/auth");
    expect(Object.fromEntries(page.searchParams)).toEqual({
      tenant: "a",
      access_type: "offline",
      client_id: "shop",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
      redirect_uri: `${app.url}/callback`,
      response_type: "code",
      scope: "openid orders",
      state: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test("gets a cookie that scripts and other sites do not", async () => {
    await setUp();
    const browser = new Browser();
    await browser.follow(app.url);
    const [name = ""] = (browser.cookies("outrigger-")[0] ?? "").split("=");
    expect(browser.attributes.get(name)).toBe("Path=/; HttpOnly; SameSite=Lax");
    app.guard(make({ forceHttps: true, cookieName: "own" }));
    await browser.get(app.url);
    expect(browser.attributes.get("own")).toBe("Path=/; HttpOnly; SameSite=Lax; Secure");
  });

  test("passes where no login is asked for", async () => {
    await setUp({ pathFilter: "^/private" });
    const headers = { authorization: "own" };
    const page = await new Browser().get(`${app.url}/public`, headers);
    expect(headerValue(seenIn(page).headers, "authorization")).toBe("own");
    expect((await new Browser().get(`${app.url}/%70rivate`)).status).toBe(302);
  });

  test("may log in with several tabs at once", async () => {
    await setUp();
    const browser = new Browser();
    const first = await callbackOf(browser, "/first");
    const second = await callbackOf(browser, "/second");
    expect((await browser.follow(first)).url.pathname).toBe("/first");
    expect(lines).toEqual([]);
    // The session is there already, so that the second answer is not needed.
    expect((await browser.follow(second)).status).toBe(200);
  });
});

describe("what goes on to the app", () => {
  test("is the token, and neither what the client sent in its place nor the cookie", async () => {
    await setUp({ authHeaderName: "X-Token" });
    const browser = new Browser();
    await browser.follow(app.url);
    const [session = ""] = browser.cookies("outrigger-");
    const headers = { "x-token": "forged", cookie: `a=1; ${session}; b=2`, authorization: "own" };
    const page = await new Browser().get(app.url, headers);
    const seen = seenIn(page).headers;
    expect(await provider.ownerOf(tokenIn(page, "x-token"))).toBe("ann");
    expect(seen.filter((text) => /^x-token$/i.test(text))).toHaveLength(1);
    expect(headerValue(seen, "cookie")).toBe("a=1; b=2");
    expect(headerValue(seen, "authorization")).toBe("own");
  });

  test.for([
    ["//example.com/x", "/example.com/x"],
    ["/\\example.com", "/example.com"],
    [`/${"x".repeat(3_000)}`, "/"],
  ] as const)("never leads elsewhere: %#", async ([path, expected]) => {
    await setUp();
    const guard = make();
    const { signal } = new AbortController();
    const body = Buffer.alloc(0);
    const request = { method: "GET", query: "", headers: [], body, bodyLength: 0, signal };
    const next = async () => ({ status: 200, headers: [], body });
    const begun = await guard.handle({ ...request, path }, next);
    const cookie = headerValue(begun.headers, "set-cookie")?.split(";")[0] ?? "";
    const page = headerValue(begun.headers, "location") ?? "";
    const { url } = await new Browser().follow(page, {}, (to) => to.pathname === "/callback");
    const back = { ...request, path: "/callback", query: url.search.slice(1) };
    const answer = await guard.handle({ ...back, headers: ["Cookie", cookie] }, next);
    expect(headerValue(answer.headers, "location")).toBe(expected);
  });

  test("is found by https when that is forced", async () => {
    await setUp({ forceHttps: true });
    const browser = new Browser();
    const page = await browser.get(await callbackOf(browser, "/orders?a=1"));
    expect(page.headers.get("location")).toBe(`https://${new URL(app.url).host}/orders?a=1`);
  });
});

describe("an answer of the provider", () => {
  test("is refused in another browser, and with another state", async () => {
    await setUp();
    const browser = new Browser();
    const callback = await callbackOf(browser);
    const stranger = await new Browser().get(callback);
    expect([stranger.status, stranger.text]).toEqual([500, "Internal Server Error"]);
    const other = new Browser();
    await callbackOf(other);
    const crossed = await other.get(callback);
    expect([crossed.status, crossed.text]).toEqual([400, "invalid state"]);
    expect((await browser.get(callback)).status).toBe(302);
  });

  test("counts once, and gives the browser another cookie", async () => {
    await setUp();
    const browser = new Browser();
    const callback = await callbackOf(browser);
    const before = browser.cookies("outrigger-");
    expect((await browser.get(callback)).status).toBe(302);
    expect(browser.cookies("outrigger-")).not.toEqual(before);
    const [old = ""] = before;
    expect((await new Browser().get(callback, { cookie: old })).status).toBe(500);
    expect((await new Browser().get(app.url, { cookie: old })).status).toBe(302);
  });

  test("is refused without a code, and says why in the log", async () => {
    await setUp();
    provider.agree(false);
    const browser = new Browser();
    const page = await browser.follow(app.url);
    expect([page.status, page.text]).toEqual([400, "code not found"]);
    expect(lines).toEqual([expect.stringContaining('"access_denied"')]);
    provider.agree(true);
    expect((await browser.follow(app.url)).status).toBe(200);
  });

  test("is refused with a code that is none, or for a wrong secret, which stays out of the log", async () => {
    await setUp({ clientSecret: "quite another" });
    const page = await new Browser().follow(app.url);
    expect([page.status, page.text]).toEqual([500, "Internal Server Error"]);
    app.guard(make());
    const browser = new Browser();
    const callback = await callbackOf(browser);
    callback.searchParams.set("code", "forged");
    expect((await browser.get(callback)).status).toBe(500);
    expect(lines).toEqual([
      expect.stringContaining("Failed to exchange token: the provider answered 4"),
      expect.stringContaining("Failed to exchange token: the provider answered 4"),
    ]);
    expect(lines.join()).not.toMatch(/quite|forged/);
  });

  test("fails that login only when the provider goes away or hangs", async () => {
    await setUp({ tokenUrl: "http://127.0.0.1:1/token" });
    expect((await new Browser().follow(app.url)).status).toBe(500);
    const silent = await listen(() => undefined);
    app.guard(make({ tokenUrl: silent.url, timeoutMs: 50 }));
    expect((await new Browser().follow(app.url)).status).toBe(500);
    await silent.close();
    expect(lines).toEqual([
      expect.stringContaining("fetch failed"),
      expect.stringContaining("timeout"),
    ]);
    app.guard(make());
    expect((await new Browser().follow(app.url)).status).toBe(200);
  });
});

describe("a session", () => {
  test("is renewed when its token ends, once for all requests", async () => {
    await setUp({}, { refreshTokens: true });
    const browser = new Browser();
    const token = tokenIn(await browser.follow(app.url));
    nowMs += 589_000;
    expect(tokenIn(await browser.get(app.url))).toBe(token);
    nowMs += 1_000;
    const pages = await Promise.all(Array.from({ length: 10 }, () => browser.get(app.url)));
    const tokens = new Set(pages.map((page) => tokenIn(page)));
    expect(tokens.size).toBe(1);
    expect(tokens.has(token)).toBe(false);
    expect(provider.tokenRequests()).toBe(2);
    nowMs += 600_000;
    expect((await browser.get(app.url)).status).toBe(200);
    expect(provider.tokenRequests()).toBe(3);
  });

  test("begins anew when the provider does not renew it", async () => {
    await setUp({}, { refreshTokens: true });
    const browser = new Browser();
    await browser.follow(app.url);
    await provider.revoke();
    nowMs += 600_000;
    expect((await browser.get(app.url)).status).toBe(302);
    expect(lines).toEqual([expect.stringContaining("Failed to refresh a token: ")]);
    expect((await browser.follow(app.url)).status).toBe(200);
  });

  test("begins anew when its token ends and there is no way to renew it", async () => {
    await setUp();
    const browser = new Browser();
    const token = tokenIn(await browser.follow(app.url));
    nowMs += 600_000;
    expect(tokenIn(await browser.follow(app.url))).not.toBe(token);
    expect(provider.tokenRequests()).toBe(2);
  });

  test("outlives a provider that is away", async () => {
    await setUp({}, { refreshTokens: true });
    const browser = new Browser();
    await browser.follow(app.url);
    await provider.close();
    expect((await browser.get(app.url)).status).toBe(200);
    nowMs += 600_000;
    const page = await browser.get(app.url);
    expect([page.status, page.text]).toEqual([502, "Bad Gateway"]);
    expect((await browser.get(app.url)).status).toBe(502);
  });

  test("ends when it is not used, or when there are too many", async () => {
    await setUp({ sessionIdleMs: 60_000, maxSessions: 2 });
    const browsers = [new Browser(), new Browser(), new Browser()] as const;
    const [first, second, third] = browsers;
    await first.follow(app.url);
    nowMs += 59_000;
    expect((await first.get(app.url)).status).toBe(200);
    nowMs += 59_000;
    expect((await first.get(app.url)).status).toBe(200);
    nowMs += 60_000;
    expect((await first.get(app.url)).status).toBe(302);
    for (const browser of browsers) await browser.follow(app.url);
    expect((await first.get(app.url)).status).toBe(302);
    expect((await second.get(app.url)).status).toBe(200);
    expect((await third.get(app.url)).status).toBe(200);
  });
});
