import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import type { ExternalTargets, InvokeResponse } from "@outrigger/core";
import { readBody } from "@outrigger/core";
import type { EndpointTls } from "@outrigger/egress-http";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { callOf, httpServer, listen, open, releaseAll, site } from "./servers.ts";

const folder = mkdtempSync(join(tmpdir(), "egress-http-"));
const pem: Record<"ca" | "cert" | "key", string> = { ca: "", cert: "", key: "" };

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
}

beforeAll(() => {
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const days = ["-days", "2"];
  openssl("req", "-x509", ...ec, ...days, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem");
  openssl("req", ...ec, "-subj", "/CN=it", "-keyout", "it.key", "-out", "it.csr");
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", ...days];
  openssl("x509", "-req", "-in", "it.csr", ...issuer, "-out", "it.pem", "-extfile", "names");
  pem.ca = readFileSync(join(folder, "ca.pem"), "utf8");
  pem.cert = readFileSync(join(folder, "it.pem"), "utf8");
  pem.key = readFileSync(join(folder, "it.key"), "utf8");
});
afterEach(releaseAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function siteAt(port: number, tls?: EndpointTls): ExternalTargets {
  const baseUrl = `https://127.0.0.1:${port}`;
  return open({ endpoints: [{ name: "site", baseUrl, ...(tls === undefined ? {} : { tls }) }] });
}

async function textOf({ body }: InvokeResponse): Promise<string> {
  return Buffer.from(await readBody(body, 10_000)).toString();
}

function httpsServer(options: object = {}): Promise<number> {
  const server = createServer({ ...pem, ...options }, (request, response) => {
    response.end(request.httpVersion);
  });
  return listen(server);
}

test("a server of the endpoint's authority answers; several calls in a row", async () => {
  const egress = siteAt(await httpsServer(), { ca: pem.ca });
  expect(await textOf(await egress.deliver(callOf(), site))).toBe("1.1");
  expect(await textOf(await egress.deliver(callOf(), site))).toBe("1.1");
});

test("an unknown authority is refused, for endpoints and for URLs", async () => {
  const port = await httpsServer();
  const failure = { message: expect.stringContaining("tls: failed to verify certificate") };
  await expect(siteAt(port).deliver(callOf(), site)).rejects.toMatchObject(failure);
  const url = { kind: "url", url: `https://127.0.0.1:${port}` } as const;
  await expect(open().deliver(callOf(), url)).rejects.toMatchObject(failure);
});

test("a server that asks for a certificate takes the endpoint's and refuses none", async () => {
  const port = await httpsServer({ requestCert: true, rejectUnauthorized: true });
  const tls = { ca: pem.ca, certificate: pem.cert, privateKey: pem.key };
  expect(await textOf(await siteAt(port, tls).deliver(callOf(), site))).toBe("1.1");
  const refused = siteAt(port, { ca: pem.ca }).deliver(callOf(), site);
  await expect(refused).rejects.toMatchObject({ code: "OTR_EXTERNAL_FAILED" });
});

test("TLS 1.1 is refused", async () => {
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" };
  const egress = siteAt(await httpsServer(old), { ca: pem.ca });
  await expect(egress.deliver(callOf(), site)).rejects.toMatchObject({ name: "OutriggerError" });
});

test.each([
  [{ ca: "nothing" }, /clientTLS\.rootCA/],
  [{ privateKey: "nothing", certificate: "nothing" }, /clientTLS\.privateKey/],
])("a broken document names its field: %j", async (tls, text) => {
  await expect(siteAt(1, tls).deliver(callOf(), site)).rejects.toThrow(text);
});

test("HTTP/2 by ALPN: one session, streams, early answers and resets", async () => {
  let sessions = 0;
  const server = createSecureServer({ ...pem });
  server.on("session", () => {
    sessions += 1;
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    if (headers[":path"] === "/reset") stream.close(2);
    else if (headers[":path"] === "/early") {
      stream.respond({ ":status": 413 });
      stream.end("enough");
    } else {
      stream.respond({ ":status": 200, "x-host": headers[":authority"] });
      stream.pipe(stream);
    }
  });
  const port = await listen(server);
  const egress = siteAt(port, { ca: pem.ca });
  const post = { http: { verb: "POST", query: "" } };
  async function* upload(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 4; index++) yield Buffer.from(`${index}`);
  }
  const streamed = callOf({ ...post, body: upload(), bodyLength: undefined });
  const [echo, fixed] = await Promise.all([
    egress.deliver(streamed, site),
    egress.deliver(callOf({ ...post, body: Buffer.from("body"), bodyLength: 4 }), site),
  ]);
  expect(await textOf(echo)).toBe("0123");
  expect(await textOf(fixed)).toBe("body");
  expect(echo.headers).toContain(`127.0.0.1:${port}`);
  const never: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
  };
  const caller = new AbortController();
  const early = { ...post, method: "early", body: never, bodyLength: undefined };
  const answer = await egress.deliver(callOf({ ...early, signal: caller.signal }), site);
  expect(answer.status.code).toBe(413);
  expect(await textOf(answer)).toBe("enough");
  const reset = egress.deliver(callOf({ ...post, method: "reset" }), site);
  await expect(reset).rejects.toMatchObject({ code: "OTR_EXTERNAL_FAILED" });
  expect(sessions).toBe(1);
});

test("HTTP/2 answers that come before the body was sent never stop the process", async () => {
  const server = createSecureServer({ ...pem });
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.once("data", () => {
      stream.respond({ ":status": 413 });
      stream.end("enough");
    });
  });
  const egress = siteAt(await listen(server), { ca: pem.ca });
  const chunk = Buffer.alloc(16_384, 1);
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield chunk;
  }
  const post = { http: { verb: "POST", query: "" }, bodyLength: undefined };
  for (let round = 0; round < 20; round += 1) {
    const calls = Array.from({ length: 20 }, async () => {
      const answer = await egress.deliver(callOf({ ...post, body: endless() }), site);
      return `${answer.status.code} ${await textOf(answer)}`;
    });
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["413 enough"]));
  }
});

test("a redirect to another host or out of TLS takes neither certificate nor credentials along", async () => {
  const seen: { readonly url: string; readonly hasCertificate: boolean; readonly key: unknown }[] =
    [];
  const plain = await httpServer((request, response) => {
    seen.push({ url: "plain", hasCertificate: false, key: request.headers["x-key"] });
    response.end("arrived");
  });
  const options = { ...pem, requestCert: true, rejectUnauthorized: false };
  const port = await listen(
    createServer(options, (request, response) => {
      const { socket, url = "", headers } = request;
      const certificate = (socket as TLSSocket).getPeerCertificate();
      const hasCertificate = Object.keys(certificate).length > 0;
      seen.push({ url, hasCertificate, key: headers["x-key"] });
      const next =
        url === "/m" ? `https://localhost:${port}/other` : `http://127.0.0.1:${plain}/plain`;
      response.writeHead(302, { location: next }).end();
    }),
  );
  const tls = { ca: pem.ca, certificate: pem.cert, privateKey: pem.key };
  const headers = [["X-Key", "secret"]] as const;
  const baseUrl = `https://127.0.0.1:${port}`;
  const egress = open({ endpoints: [{ name: "site", baseUrl, headers, tls }] });
  expect(await textOf(await egress.deliver(callOf(), site))).toBe("arrived");
  expect(seen).toEqual([
    { url: "/m", hasCertificate: true, key: "secret" },
    { url: "/other", hasCertificate: false, key: undefined },
    { url: "plain", hasCertificate: false, key: undefined },
  ]);
});

test("leaving TLS drops credentials on the same host too", async () => {
  let seen: string | undefined = "unset";
  const plain = await httpServer((request, response) => {
    seen = request.headers.authorization;
    response.end("arrived");
  });
  const server = createServer(pem, (_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${plain}/` }).end();
  });
  const egress = siteAt(await listen(server), { ca: pem.ca });
  await egress.deliver(callOf({ metadata: ["Authorization", "Bearer x"] }), site);
  expect(seen).toBeUndefined();
});

test("a further connection that stalls in its handshake ends with the time for connecting", async () => {
  const server = createServer(pem, () => undefined);
  await listen(server);
  let connections = 0;
  const port = await listen(
    createTcpServer((socket) => {
      socket.on("error", () => undefined);
      connections += 1;
      // The first one works and is kept busy, the others get no word.
      if (connections === 1) server.emit("connection", socket);
    }),
  );
  const baseUrl = `https://127.0.0.1:${port}`;
  const endpoints = [{ name: "site", baseUrl, tls: { ca: pem.ca } }];
  const egress = open({ connectTimeoutMs: 200, endpoints });
  const caller = new AbortController();
  const arrived = once(server, "request");
  const busy = egress.deliver(callOf({ signal: caller.signal }), site);
  await arrived;
  await expect(egress.deliver(callOf(), site)).rejects.toThrow(/i\/o timeout$/);
  caller.abort();
  await expect(busy).rejects.toMatchObject({ code: "OTR_ABORTED" });
});
