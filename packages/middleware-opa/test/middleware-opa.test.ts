import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  type HttpMiddlewareComponent,
  type HttpRequest,
  type HttpResponse,
  type LogLevel,
  silentLogger,
} from "@outrigger/core";
import { type MiddlewareOpaOptions, middlewareOpa } from "@outrigger/middleware-opa";
import { beforeEach, describe, expect, test } from "vitest";

const policies = join(import.meta.dirname, "policies");
let lines: string[] = [];

beforeEach(() => {
  lines = [];
});

function make(options: MiddlewareOpaOptions): HttpMiddlewareComponent {
  const log = { ...silentLogger, log: (_level: LogLevel, text: string) => void lines.push(text) };
  return middlewareOpa(options)({
    appId: "self",
    namespace: "default",
    log,
    now: Date.now,
    random: Math.random,
  });
}

async function started(
  policy: string,
  options: MiddlewareOpaOptions = {},
): Promise<HttpMiddlewareComponent> {
  const guard = make({ policyFile: join(policies, `${policy}.tar.gz`), ...options });
  await guard.start?.(AbortSignal.timeout(5_000));
  return guard;
}

interface Outcome {
  readonly response: HttpResponse;
  /** `undefined` when the request did not come through. */
  readonly passed: HttpRequest | undefined;
}

async function ask(
  guard: HttpMiddlewareComponent,
  path: string,
  more: Partial<HttpRequest> = {},
): Promise<Outcome> {
  let passed: HttpRequest | undefined;
  const body = Buffer.alloc(0);
  const { signal } = new AbortController();
  const request = { method: "GET", path, query: "", headers: [], body, bodyLength: 0, signal };
  const response = await guard.handle({ ...request, ...more }, async (next) => {
    passed = next;
    return { status: 200, headers: [], body };
  });
  return { response, passed };
}

async function answerOf(guard: HttpMiddlewareComponent, path: string): Promise<unknown> {
  const { response, passed } = await ask(guard, path);
  const { status, headers, body } = response;
  return [status, headers, Buffer.from(body as Uint8Array).toString(), passed !== undefined];
}

const plain = ["Content-Type", "text/plain; charset=utf-8"];
const failed = [403, ["x-dapr-opa-error", "true", ...plain], "Forbidden", false];

describe("a policy says", () => {
  test("yes and no", async () => {
    const guard = await started("gate");
    expect(await answerOf(guard, "/open")).toEqual([200, [], "", true]);
    expect(await answerOf(guard, "/closed")).toEqual([403, plain, "Forbidden", false]);
    expect(await answerOf(guard, "/plain")).toEqual([403, plain, "Forbidden", false]);
    const hidden = await started("gate", { defaultStatus: 404 });
    expect(await answerOf(hidden, "/closed")).toEqual([404, plain, "Not Found", false]);
    expect(lines).toEqual([]);
  });

  test("yes by everything there is about the request", async () => {
    const guard = await started("gate", { readBody: true, includedHeaders: ["x-ROLE"] });
    const request = {
      method: "PUT",
      query: "tag=a&tag=b%20c&empty",
      headers: ["X-Role", "one", "X-Other", "unseen", "x-role", "two"],
    };
    const chunks = ['{"amo', 'unt": 7}'].map((text) => Buffer.from(text));
    const streamed = {
      ...request,
      bodyLength: undefined,
      body: (async function* () {
        yield* chunks;
      })(),
    };
    const { passed } = await ask(guard, "/orders/%C3%A4%20b", streamed);
    expect(Buffer.from(passed?.body as Uint8Array).toString()).toBe('{"amount": 7}');
    expect(passed).toMatchObject({ bodyLength: 13, headers: request.headers });
    const tooMuch = Buffer.from('{"amount": 700}');
    const refused = { ...request, body: tooMuch, bodyLength: tooMuch.length };
    expect((await ask(guard, "/orders/%C3%A4%20b", refused)).response.status).toBe(403);
  });

  test("yes with headers, which replace those of the client", async () => {
    const headers = ["X-USER", "forged", "Accept", "*/*", "x-role", "admin"];
    const { passed } = await ask(await started("gate"), "/stamp", { headers });
    expect(passed?.headers).toEqual(["Accept", "*/*", "X-Role", "checked", "x-user", "ann"]);
  });

  test("where to go instead", async () => {
    expect(await answerOf(await started("gate"), "/login")).toEqual([
      301,
      ["location", "https://example.com/login", ...plain],
      "Moved Permanently",
      false,
    ]);
  });

  test("a status that is none", async () => {
    expect(await answerOf(await started("gate"), "/odd-status")).toEqual([
      500,
      plain,
      "Internal Server Error",
      false,
    ]);
  });

  test.for([
    ["/text", "got an invalid type back from repo policy. Only a boolean or map is valid"],
    ["/bad-status", "status_code is no whole number"],
    ["/bad-allow", "allow is no boolean"],
    ["/bad-header", 'header "x-user" is no text'],
    ["/split", "Invalid character in header content"],
    ["/missing-function", "not implemented: built-in function"],
  ] as const)("something that is not understood: %s", async ([path, text]) => {
    expect(await answerOf(await started("gate"), path)).toEqual(failed);
    expect(lines).toEqual([expect.stringContaining("Error processing rego policy: ")]);
    expect(lines[0]).toContain(text);
  });

  test("nothing", async () => {
    const guard = await started("silent");
    expect(await answerOf(guard, "/open")).toEqual([200, [], "", true]);
    expect(await answerOf(guard, "/closed")).toEqual(failed);
    expect(lines[0]).toContain("received no results back from rego policy");
  });
});

describe("a policy that sees bodies", () => {
  test("does not see those that are too long", async () => {
    const guard = await started("gate", { readBody: true, maxBodyBytes: 4 });
    const body = Buffer.from("12345");
    const status = async (more: Partial<HttpRequest>): Promise<number> =>
      (await ask(guard, "/open", more)).response.status;
    expect(await status({ body, bodyLength: 5 })).toBe(413);
    expect(await status({ body: body.subarray(1), bodyLength: 4 })).toBe(200);
    let released = false;
    const endless = async function* (): AsyncGenerator<Buffer> {
      try {
        for (;;) yield body;
      } finally {
        released = true;
      }
    };
    expect(await status({ body: endless(), bodyLength: undefined })).toBe(413);
    expect(released).toBe(true);
  });

  test("fails the one request whose body breaks off", async () => {
    const guard = await started("gate", { readBody: true });
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from("1");
      throw new Error("the client is gone");
    };
    const request = { body: broken(), bodyLength: undefined };
    await expect(ask(guard, "/open", request)).rejects.toThrow("the client is gone");
    expect(await answerOf(guard, "/open")).toEqual([200, [], "", true]);
  });

  test("lives through what is nested too deeply and what does not fit into its memory", async () => {
    const guard = await started("gate", { readBody: true, maxBodyBytes: 100_000_000 });
    const request = { method: "PUT", query: "tag=a&tag=b%20c&empty", headers: [] };
    const status = async (text: string): Promise<number> => {
      const body = Buffer.from(text);
      const sent = { ...request, body, bodyLength: body.length };
      return (await ask(guard, "/open", sent)).response.status;
    };
    expect(await status("[".repeat(200_000) + "]".repeat(200_000))).toBe(200);
    expect(await status("x".repeat(90_000_000))).toBe(403);
    expect(await status("x")).toBe(200);
  });
});

test("evaluations that fail do not wear the policy out", async () => {
  const guard = await started("gate");
  for (let round = 0; round < 5_000; round += 1) {
    expect((await ask(guard, "/missing-function")).response.status).toBe(403);
    expect((await ask(guard, "/open")).response.status).toBe(200);
  }
});

test("requests at once do not see each other", async () => {
  const guard = await started("gate");
  const paths = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? "/open" : "/closed"));
  const all = await Promise.all(paths.map((path) => ask(guard, path)));
  expect(all.map(({ response }) => response.status)).toEqual(
    paths.map((path) => (path === "/open" ? 200 : 403)),
  );
});

describe("a policy is loaded", () => {
  test("from memory, as a bundle or alone", async () => {
    const bundle = await readFile(join(policies, "silent.tar.gz"));
    const guard = make({ policy: bundle });
    expect((await ask(guard, "/open")).response.status).toBe(403);
    await guard.start?.(AbortSignal.timeout(5_000));
    expect((await ask(guard, "/open")).response.status).toBe(200);
    const archive = gunzipSync(bundle);
    const start = archive.indexOf(Buffer.from([0, 0x61, 0x73, 0x6d]));
    const header = archive.subarray(start - 512, start);
    const size = Number.parseInt(header.toString("latin1", 124, 135), 8);
    const alone = make({ policy: archive.subarray(start, start + size) });
    await alone.start?.(AbortSignal.timeout(5_000));
    expect((await ask(alone, "/open")).response.status).toBe(200);
    const cut = make({ policy: gzipSync(archive.subarray(0, start + 1_000)) });
    await expect(cut.start?.(AbortSignal.timeout(5_000))).rejects.toThrow("the bundle is cut off");
  });

  test.for([
    ["package http", "neither a bundle (tar.gz) nor a WebAssembly module"],
    [Buffer.from([0, 0x61, 0x73, 0x6d, 1, 2, 3]), "WebAssembly"],
    [gzipSync(Buffer.alloc(1_024)), "holds no policy.wasm"],
    [Buffer.from([0x1f, 0x8b, 1, 2]), "failed to load the policy"],
  ] as const)("and refused when it is none: %#", async ([content, text]) => {
    const folder = await mkdtemp(join(tmpdir(), "opa-"));
    try {
      const policyFile = join(folder, "policy");
      await writeFile(policyFile, content);
      const guard = make({ policyFile });
      await expect(guard.start?.(AbortSignal.timeout(5_000))).rejects.toThrow(text);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("and refused when it is missing, or answers something else", async () => {
    await expect(started("none")).rejects.toThrow("ENOENT");
    await expect(started("other")).rejects.toThrow(
      "it answers other/allow, but not http/allow: build it with `-e http/allow`",
    );
  });
});
