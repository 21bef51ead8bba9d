import type { IncomingMessage, ServerResponse } from "node:http";
import { headerValue, readBody } from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { callOf, httpServer, open, releaseAll, site } from "./servers.ts";

afterEach(releaseAll);

/** What a server saw, in order. */
type Seen = IncomingMessage[];

function redirector(
  seen: Seen,
  locationOf: (request: IncomingMessage) => string | undefined,
  status = 302,
): Promise<number> {
  return httpServer((request, response) => {
    seen.push(request);
    redirect(response, status, locationOf(request));
  });
}

function redirect(response: ServerResponse, status: number, location: string | undefined): void {
  if (location === undefined) response.end("arrived");
  else response.writeHead(status, { location }).end();
}

function siteAt(port: number, more: object = {}): ReturnType<typeof open> {
  const headers = [["X-Key", "secret"]] as const;
  return open({
    endpoints: [{ name: "site", baseUrl: `http://127.0.0.1:${port}`, headers, ...more }],
  });
}

const post = {
  http: { verb: "POST", query: "" },
  body: Buffer.from("x"),
  bodyLength: 1,
  contentType: "text/plain",
};

test.each([
  ["POST", 301, "GET"],
  ["POST", 302, "GET"],
  ["PUT", 303, "GET"],
  ["HEAD", 302, "HEAD"],
])("%s after %i is %s without content", async (verb, status, next) => {
  const seen: Seen = [];
  const port = await redirector(seen, ({ url }) => (url === "/m" ? "end?a=1" : undefined), status);
  const hasBody = verb !== "HEAD";
  const parts = hasBody ? post : {};
  const call = callOf({
    ...parts,
    http: { verb, query: "" },
    metadata: ["Content-Language", "de", "X-Own", "1", "Expect", "100-continue"],
  });
  const answer = await siteAt(port).deliver(call, site);
  expect(answer.status.code).toBe(200);
  expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `${verb} /m`,
    `${next} /end?a=1`,
  ]);
  const headers = seen[1]?.headers;
  for (const name of ["content-type", "content-language", "content-length", "expect"]) {
    expect(headers?.[name]).toBeUndefined();
  }
  expect(headers?.["x-own"]).toBe("1");
  expect(headers?.["x-key"]).toBe("secret");
  expect(headers?.referer).toBe(`http://127.0.0.1:${port}/m`);
  expect(headers?.traceparent).toBe(seen[0]?.headers.traceparent);
});

test.each([
  [307, "/end"],
  [308, "/end"],
  [302, ""],
  [304, "/end"],
])("%i with location %j is the caller's", async (status, location) => {
  const seen: Seen = [];
  const port = await redirector(seen, () => location, status);
  const answer = await siteAt(port).deliver(callOf(post), site);
  expect(answer.status.code).toBe(status);
  expect(headerValue(answer.headers, "location") ?? "").toBe(location);
  expect(seen).toHaveLength(1);
});

test("an upload that is redirected is given up", async () => {
  const seen: Seen = [];
  const port = await redirector(seen, ({ url }) => (url === "/m" ? "/end" : undefined));
  let tellReleased: (() => void) | undefined;
  const released = new Promise<void>((resolve) => {
    tellReleased = resolve;
  });
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        tellReleased?.();
        return { done: true, value: undefined };
      },
    }),
  };
  const call = callOf({ http: { verb: "POST", query: "" }, body, bodyLength: undefined });
  const answer = await siteAt(port).deliver(call, site);
  expect(Buffer.from(await readBody(answer.body, 10)).toString()).toBe("arrived");
  await released;
  expect(seen[1]?.headers["transfer-encoding"]).toBeUndefined();
});

const credentials = ["Authorization", "Bearer own", "Cookie", "a=1", "X-Other", "1"];

test("credentials and the endpoint's headers stay away from other hosts, also on the way back", async () => {
  const home: Seen = [];
  const away: Seen = [];
  const other = await redirector(away, () => `http://127.0.0.1:${port}/back`);
  const port = await redirector(home, ({ url }) =>
    url === "/m?q=secret" ? `http://localhost:${other}/away` : undefined,
  );
  const http = { verb: "GET", query: "q=secret" };
  await siteAt(port).deliver(callOf({ http, metadata: credentials }), site);
  expect(home[0]?.headers).toMatchObject({ authorization: "Bearer own", "x-key": "secret" });
  for (const request of [away[0], home[1]]) {
    expect(request?.headers["x-other"]).toBe("1");
    for (const name of ["authorization", "cookie", "x-key", "referer"]) {
      expect(request?.headers[name]).toBeUndefined();
    }
  }
  expect(away[0]?.headers.host).toBe(`localhost:${other}`);
});

test("another port of the same host gets everything", async () => {
  const away: Seen = [];
  const other = await redirector(away, () => undefined);
  const port = await redirector([], () => `//127.0.0.1:${other}/away`);
  await siteAt(port).deliver(callOf({ metadata: credentials }), site);
  expect(away[0]?.url).toBe("/away");
  expect(away[0]?.headers).toMatchObject({
    authorization: "Bearer own",
    cookie: "a=1",
    "x-key": "secret",
  });
});

test("a redirect may name a user, whom no credentials of the caller replace", async () => {
  const away: Seen = [];
  const other = await redirector(away, () => undefined);
  const port = await redirector([], () => `http://you:key@localhost:${other}/`);
  await siteAt(port).deliver(callOf({ metadata: credentials }), site);
  const basic = `Basic ${Buffer.from("you:key").toString("base64")}`;
  expect(away[0]?.headers.authorization).toBe(basic);
});

test("endless redirects end", async () => {
  const seen: Seen = [];
  const port = await redirector(seen, ({ url }) => `${url}x`);
  const egress = open({
    maxConcurrency: 1,
    endpoints: [{ name: "site", baseUrl: `http://127.0.0.1:${port}` }],
  });
  // Twice: a failure gives its place back.
  for (const total of [10, 20]) {
    await expect(egress.deliver(callOf(), site)).rejects.toMatchObject({
      code: "OTR_EXTERNAL_FAILED",
      message: `Get "http://127.0.0.1:${port}/mxxxxxxxxx": stopped after 10 redirects`,
    });
    expect(seen).toHaveLength(total);
  }
});

test("one call is one place in the limit, however many redirects it takes", async () => {
  const port = await redirector([], ({ url }) => (url === "/m" ? "/end" : undefined));
  const egress = open({
    maxConcurrency: 1,
    endpoints: [{ name: "site", baseUrl: `http://127.0.0.1:${port}` }],
  });
  const answers = await Promise.all([1, 2, 3].map(() => egress.deliver(callOf(), site)));
  expect(answers.map(({ status }) => status.code)).toEqual([200, 200, 200]);
});

test.each([
  ["ftp://host/x", 'Get "ftp://host/x": unsupported protocol scheme "ftp"'],
  ["http://[x", /^Get "http:.*": failed to parse Location header "http:\/\/\[x"$/],
  ["http://127.0.0.1:1/x", /^Get "http:\/\/127.0.0.1:1\/x": dial tcp 127.0.0.1:1: connect: conn/],
])("a redirect to %j fails", async (location, message) => {
  const port = await redirector([], () => location);
  await expect(siteAt(port).deliver(callOf(), site)).rejects.toThrow(message);
});

test("redirects of URL targets are the caller's", async () => {
  const seen: Seen = [];
  const port = await redirector(seen, () => "/end");
  const url = { kind: "url", url: `http://127.0.0.1:${port}` } as const;
  expect((await open().deliver(callOf(), url)).status.code).toBe(302);
  expect(seen).toHaveLength(1);
});
