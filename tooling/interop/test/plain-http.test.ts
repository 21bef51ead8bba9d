import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, fetch, H2CClient, request } from "undici";
import { afterAll, describe, expect, inject, test } from "vitest";
import { waitFor } from "../../../apps/outrigger/test/e2e/mesh.ts";
import { run } from "./processes.ts";

const { caller, sockets } = inject("interop");
const sidecar = `http://127.0.0.1:${caller.http}`;
const nodeApp = `${sidecar}/v1.0/invoke/node-http/method`;
const folder = mkdtempSync(join(tmpdir(), "outrigger-interop-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const largeBytes = 32 * 1024 * 1024;

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function curl(...parameters: string[]): Promise<string> {
  return run("curl", ["--silent", "--show-error", "--max-time", "20", ...parameters]);
}

describe("curl", () => {
  test.for(["node-http", "py-http"])("reaches %s, path and query as they are", async (appId) => {
    const url = `${sidecar}/v1.0/invoke/${appId}/method/echo?q=a%20b&q=c`;
    const answer = JSON.parse(await curl("-H", "x-user: ann", "-d", "one=1", url));
    expect(answer).toMatchObject({
      verb: "POST",
      query: expect.stringMatching(/^\??q=a%20b&q=c$/),
      headers: { "x-user": "ann", "content-type": "application/x-www-form-urlencoded" },
      body: "one=1",
    });
  });

  test("the app in a header instead of the path", async () => {
    const answer = await curl("-H", "dapr-app-id: node-http", `${sidecar}/echo?a=1`);
    expect(JSON.parse(answer)).toMatchObject({ verb: "GET", path: "/echo", query: "?a=1" });
  });

  test("HTTP/2 without TLS", async () => {
    const parameters = ["--http2-prior-knowledge", "-w", "\n%{http_version} %{http_code}"];
    const answer = await curl(...parameters, "-d", "body", `${nodeApp}/echo`);
    const [body = "", protocol] = answer.split("\n");
    expect(JSON.parse(body)).toMatchObject({ verb: "POST", body: "body" });
    expect(protocol).toBe("2 200");
  });

  test("an error of the app, with its body", async () => {
    const answer = await curl("-w", "\n%{http_code}", `${nodeApp}/status?code=418`);
    expect(answer).toBe('{"reason":"asked for"}\n418');
  });

  test("HEAD and --fail", async () => {
    expect(await curl("--head", `${nodeApp}/echo`)).toMatch(/^HTTP\/1\.1 200/);
    await expect(curl("--fail", `${nodeApp}/status?code=500`)).rejects.toMatchObject({ code: 22 });
  });

  test("a large file up, with Expect: 100-continue", async () => {
    const file = join(folder, "upload");
    const bytes = randomBytes(largeBytes);
    writeFileSync(file, bytes);
    const answer = await curl("-H", "Expect: 100-continue", "-T", file, `${nodeApp}/upload`);
    expect(JSON.parse(answer)).toEqual({
      bytes: largeBytes,
      sha256: sha256(bytes),
      length: `${largeBytes}`,
    });
  });

  test("a chunked upload", async () => {
    const file = join(folder, "chunked");
    const bytes = randomBytes(3_000_000);
    writeFileSync(file, bytes);
    const chunked = ["-H", "Transfer-Encoding: chunked", "-X", "POST", "-T", file];
    const answer = await curl(...chunked, `${nodeApp}/upload`);
    expect(JSON.parse(answer)).toMatchObject({ bytes: bytes.length, sha256: sha256(bytes) });
  });

  test.for(["--http1.1", "--http2-prior-knowledge"])("a large file down, %s", async (protocol) => {
    const file = join(folder, `download${protocol}`);
    await curl(protocol, "-o", file, `${nodeApp}/download?bytes=${largeBytes}`);
    const expected = Buffer.alloc(64 * 1024, "outrigger ");
    const whole = Buffer.concat(
      Array.from({ length: largeBytes / expected.length }, () => expected),
    );
    expect(sha256(readFileSync(file))).toBe(sha256(whole));
  });

  test("compressed answers stay the app's affair", async () => {
    const answer = JSON.parse(await curl("--compressed", `${nodeApp}/echo`));
    expect(answer.headers["accept-encoding"]).toContain("gzip");
  });

  test("a unix socket", async () => {
    const url = "http://localhost/v1.0/invoke/node-http/method/echo";
    await waitFor(async () => {
      const health = ["--unix-socket", sockets.http, "-w", "%{http_code}"];
      const code = await curl(...health, "http://localhost/v1.0/healthz").catch(() => "");
      return code === "204";
    }, "the sidecar behind the socket");
    const answer = await curl("--unix-socket", sockets.http, "-d", "by socket", url);
    expect(JSON.parse(answer)).toMatchObject({ verb: "POST", body: "by socket" });
  });
});

describe("undici", () => {
  const agent = new Agent({ bodyTimeout: 10_000, headersTimeout: 10_000 });
  afterAll(() => agent.close());

  test("fetch with JSON", async () => {
    const response = await fetch(`${nodeApp}/echo`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ n: 1 }),
      dispatcher: agent,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-app")).toBe("node-http");
    expect(await response.json()).toMatchObject({ verb: "PUT", body: '{"n":1}' });
  });

  test("fetch with a stream of unknown length", async () => {
    const parts = [randomBytes(100_000), randomBytes(1), randomBytes(200_000)];
    const body = new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(part);
        controller.close();
      },
    });
    const response = await fetch(`${nodeApp}/upload`, {
      method: "POST",
      body,
      duplex: "half",
      dispatcher: agent,
    });
    const whole = Buffer.concat(parts);
    expect(await response.json()).toMatchObject({ bytes: whole.length, sha256: sha256(whole) });
  });

  test("request, and the end of an answer that is not wanted", async () => {
    const { statusCode, headers, body } = await request(`${nodeApp}/echo`, {
      method: "POST",
      body: "text",
      dispatcher: agent,
    });
    expect(statusCode).toBe(200);
    expect(headers["content-type"]).toBe("application/json");
    expect(await body.json()).toMatchObject({ body: "text" });

    const large = await request(`${nodeApp}/download?bytes=${largeBytes}`, { dispatcher: agent });
    large.body.destroy();
    // The sidecar goes on serving.
    expect((await request(`${nodeApp}/echo`, { dispatcher: agent })).statusCode).toBe(200);
  });

  test("HTTP/2 without TLS", async () => {
    const http2 = new H2CClient(sidecar);
    try {
      const path = "/v1.0/invoke/node-http/method/echo";
      const answer = await http2.request({ method: "POST", path, body: "two" });
      expect(await answer.body.json()).toMatchObject({ body: "two" });
    } finally {
      await http2.close();
    }
  });

  test("server-sent events arrive one by one", async () => {
    const response = await fetch(`${nodeApp}/events`, { dispatcher: agent });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body?.getReader();
    const next = async (): Promise<string> => Buffer.from((await reader?.read())?.value).toString();
    expect(await next()).toBe("data: first\n\n");
    // The app sends the second one only after this call.
    await request(`${nodeApp}/seen`, { method: "POST", dispatcher: agent });
    expect(await next()).toBe("data: second\n\n");
    expect(await reader?.read()).toMatchObject({ done: true });
  });
});
