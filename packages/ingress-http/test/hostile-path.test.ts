import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { afterEach, expect, test } from "vitest";
import { exchange, type RunningIngress, startIngress } from "./ingress.ts";

const running: RunningIngress[] = [];
afterEach(async () => {
  for (const { ingress } of running.splice(0)) await ingress.stop?.();
});

async function start(): Promise<RunningIngress> {
  const started = await startIngress();
  running.push(started);
  return started;
}

function send(port: number, target: string): Promise<string> {
  return exchange(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
}

/** What comes behind `/method/`, and what the callee is asked for: decoded once, then cleaned. */
test.each([
  ["public%2Fextra", "public/extra", ""],
  ["admin%2F..%2Fpublic", "public", ""],
  ["admin%2F..%2F..%2Fpublic", "../public", ""],
  ["..%2Fpublic", "../public", ""],
  ["a%2Fb%2Fc%2F..%2F..%2F..%2Fpublic", "public", ""],
  ["public///extra", "public/extra", ""],
  ["a/./b/", "a/b", ""],
  ["%2e%2e/public", "../public", ""],
  ["a%252F..%252Fb", "a%2F..%2Fb", ""],
  ["a%2500b", "a%00b", ""],
  ["a%00b", "a\0b", ""],
  ["a%0d%0ab", "a\r\nb", ""],
  ["a%5C..%5Cb", "a\\..\\b", ""],
  ["a\\..\\b", "a\\..\\b", ""],
  ["a%C0%AF..%C0%AFb", "a\xc0\xaf..\xc0\xafb", ""],
  ["a%ef%bc%8fb", "a\xef\xbc\x8fb", ""],
  ["a;b=c/../d", "d", ""],
  ["a%3Fb?c=%2F&d", "a?b", "c=%2F&d"],
  ["a%23b?c#d", "a#b", "c#d"],
  ["a?b?c", "a", "b?c"],
  ["public%23%2F..%2Fadmin", "admin", ""],
  ["public%3F%2F..%2Fadmin", "admin", ""],
  ["public%25%2F..%2Fadmin", "admin", ""],
  ["public%0D/../admin", "admin", ""],
])("%s is method %j", async (path, method, query) => {
  const { port, sidecar } = await start();
  expect(await send(port, `/v1.0/invoke/callee/method/${path}`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(sidecar.calls).toHaveLength(1);
  expect(sidecar.calls[0]).toMatchObject({ target: "callee", http: { query } });
  // A leading `../` may stay here: the pipeline strips it with the rest of its rules.
  expect([method, method.replace(/^(?:\.\.\/)+/, "")]).toContain(sidecar.calls[0]?.method);
});

test.each([
  ["/v1.0/invoke/callee/method/a%", 400],
  ["/v1.0/invoke/callee/method/a%g0", 400],
  ["/v1.0/invoke/callee/method/a%2", 400],
  ["/v1.0/invoke/callee/method/a\x01b", 400],
  ["/v1.0/invoke/callee/method/a\x7fb", 400],
  ["/v1.0/invoke/callee/method/a\0b", 400],
  ["/v1.0/invoke/callee/method/a b", 400],
  ["/v1.0/invoke//method/m", 404],
  ["/v1.0/invoke/callee%2Fmethod", 404],
  ["/v1.0%2Finvoke", 404],
])("%j is refused with %i", async (target, status) => {
  const { port, sidecar } = await start();
  expect(await send(port, target)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(sidecar.calls).toEqual([]);
});

/** The route is that of the cleaned path, still escaped: dots cannot hide a fixed route. */
test.each([
  ["/v1.0/invoke/../metadata", 200, '"id":"caller"'],
  ["/v1.0//metadata", 200, '"id":"caller"'],
  ["/v1.0/metadata/", 200, '"id":"caller"'],
  ["/v1.0/invoke/callee/method/../../../metadata", 200, '"id":"caller"'],
  ["http://elsewhere.example/v1.0/metadata", 200, '"id":"caller"'],
  ["/v1.0/./healthz", 204, ""],
])("%s is a route of the sidecar", async (target, status, text) => {
  const { port, sidecar } = await start();
  const answer = await send(port, target);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toContain(text);
  expect(sidecar.calls).toEqual([]);
});

test("an absolute URL is invoked like its path", async () => {
  const { port, sidecar } = await start();
  await send(port, "http://elsewhere.example/v1.0/invoke/callee/method/m?q");
  expect(sidecar.calls[0]).toMatchObject({ target: "callee", method: "m", http: { query: "q" } });
});

test.each([
  ["/v1.0/invoke/callee/method/admin%2F..%2Fpublic", 200],
  ["/v1.0/invoke/callee/method/a%", 400],
  ["/v1.0/invoke/../metadata", 200],
])("HTTP/2 does the same with %s", async (path, status) => {
  const { port, sidecar } = await start();
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ":path": path });
  const [headers] = await once(stream, "response");
  expect(headers[":status"]).toBe(status);
  for (const { method } of sidecar.calls) expect(method).toBe("public");
  session.destroy();
});
