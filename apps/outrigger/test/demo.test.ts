import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePorts } from "../src/demo/free-ports.ts";
import { runDemo } from "../src/demo/run-demo.ts";

const directory = mkdtempSync(join(tmpdir(), "outrigger-demo-"));

/** A stand-in for the sidecar: healthy at once, and hands orders to the port in a file of the app id. */
const standIn = script(
  "stand-in.mjs",
  `import { writeFileSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
const flag = (name) => process.argv[process.argv.indexOf(name) + 1];
const place = (id) => ${JSON.stringify(directory)} + "/" + id + ".port";
if (process.argv.includes("--app-port")) writeFileSync(place(flag("--app-id")), flag("--app-port"));
console.log("pid", process.pid);
createServer(async (request, response) => {
  if (request.url === "/v1.0/healthz") return response.writeHead(204).end();
  if (request.url.startsWith("/outrigger/")) {
    const counts = { at: 1, maxEdges: 1, overflowed: 0, edges: [] };
    const own = { version: 1, appId: flag("--app-id"), namespace: "default" };
    return response.end(JSON.stringify({ ...own, ...counts }));
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  if (process.env.REFUSE) return response.writeHead(503).end("no route");
  const port = readFileSync(place(request.headers["dapr-app-id"]), "utf8");
  const answer = await fetch("http://127.0.0.1:" + port + request.url, { method: "POST", body });
  response.writeHead(answer.status).end(await answer.text());
}).listen(Number(flag("--dapr-http-port")), "127.0.0.1");
`,
);

function script(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

async function run(
  argv: readonly string[],
  more: {
    daprd?: string;
    env?: object;
    signal?: AbortSignal;
    onText?: (text: string) => void;
    readyTimeoutMs?: number;
  } = {},
) {
  let stdout = "";
  let stderr = "";
  const code = await runDemo(argv, {
    stdout: (text) => {
      stdout += text;
      more.onText?.(text);
    },
    stderr: (text) => {
      stderr += text;
    },
    daprd: more.daprd ?? standIn,
    env: { ...process.env, ...more.env },
    signal: more.signal ?? new AbortController().signal,
    ...(more.readyTimeoutMs === undefined ? {} : { readyTimeoutMs: more.readyTimeoutMs }),
  });
  return { code, stdout, stderr };
}

test("every order gets a line with its way, and the summary counts them", async () => {
  const { code, stdout, stderr } = await run(["--orders", "3"]);
  expect(stderr).toBe("");
  expect(stdout).toMatch(
    /^order 3 +(python|node) checkout -> its sidecar :\d+ -> mDNS -> sidecar :\d+ -> node order-processor +[\d.]+ ms$/m,
  );
  expect(stdout).toContain("3 of 3 orders arrived");
  expect(code).toBe(0);
});

test("without python3 the sender runs on Node.js, and the demo says so", async () => {
  const { code, stdout } = await run(["--orders", "1"], { env: { PATH: directory } });
  expect(stdout).toContain("No python3 found");
  expect(stdout).toMatch(/^order 1 +node checkout -> /m);
  expect(code).toBe(0);
});

test("orders that do not arrive are shown with the answer, and fail the demo", async () => {
  const { code, stdout } = await run(["--orders", "1"], { env: { REFUSE: "1" } });
  expect(stdout).toMatch(/^order 1 +FAILED +status 503: no route$/m);
  expect(stdout).toContain("0 of 1 orders arrived");
  expect(code).toBe(1);
});

test("a sidecar that ends at once fails the demo with its last output", async () => {
  const daprd = script("broken.mjs", 'console.log("port is taken"); process.exit(3);');
  const { code, stderr } = await run([], { daprd });
  expect(stderr).toMatch(
    /^demo: sidecar of [\w-]+ ended \(exit code 3\)\. Its last output:\n {2}port is taken\n$/,
  );
  expect(code).toBe(1);
});

test("sidecars that never get ready fail the demo in bounded time", async () => {
  const daprd = script("sleepy.mjs", 'console.log("yawn"); setInterval(() => undefined, 1000);');
  const { code, stderr } = await run([], { daprd, readyTimeoutMs: 500 });
  expect(stderr).toContain("not ready within 500 ms");
  expect(stderr).toContain("  yawn");
  expect(code).toBe(1);
});

test("--keep prints what to try and ends well when interrupted", async () => {
  const interrupt = new AbortController();
  const { code, stdout } = await run(["--orders", "1", "--keep"], {
    signal: interrupt.signal,
    onText: (text) => {
      if (text.includes("Ctrl-C")) interrupt.abort(new Error("interrupted"));
    },
  });
  const curl = /curl (http\S+)\/v1\.0\/metadata/.exec(stdout)?.[1];
  expect(curl).toBeDefined();
  expect(stdout).toContain("/method/neworder");
  expect(code).toBe(0);
  await expect(fetch(`${curl}/v1.0/healthz`)).rejects.toThrow();
});

test("a console watches both sidecars while the demo runs", async () => {
  const interrupt = new AbortController();
  let seen: Promise<string> | undefined;
  let text = "";
  const { stdout } = await run(["--orders", "3", "--keep"], {
    signal: interrupt.signal,
    onText: (more) => {
      text += more;
      if (!more.includes("Ctrl-C") || seen !== undefined) return;
      const url = /Watch the calls at (http:\S+)/.exec(text)?.[1];
      seen = fetch(`${url}api/mesh`)
        .then((answer) => answer.text())
        .finally(() => interrupt.abort(new Error("interrupted")));
    },
  });
  const { nodes } = JSON.parse((await seen) ?? "{}") as { nodes: readonly { appId: string }[] };
  expect(nodes.map(({ appId }) => appId.replace(/-[0-9a-f]{4}$/, ""))).toEqual([
    "checkout",
    "order-processor",
  ]);
  const url = /Watch the calls at (http:\S+)/.exec(stdout)?.[1] ?? "";
  await expect(fetch(url)).rejects.toThrow();
});

test("an interruption while sending ends everything with code 1", async () => {
  const interrupt = new AbortController();
  const { code, stdout } = await run(["--orders", "5000"], {
    signal: interrupt.signal,
    onText: (text) => {
      if (text.startsWith("order 2 ")) interrupt.abort(new Error("interrupted"));
    },
  });
  expect(stdout).not.toContain("order 5000 ");
  expect(code).toBe(1);
});

test.each([
  [["--help"], 0],
  [["--orders", "0"], 2],
  [["--bogus"], 2],
])("%j starts nothing", async (argv, expected) => {
  const { code, stdout, stderr } = await run(argv);
  expect(code).toBe(expected);
  expect(stdout + stderr).toContain("Usage of outrigger demo:");
});

test("free ports differ", async () => {
  const ports = await freePorts(9);
  expect(new Set(ports).size).toBe(9);
  expect(ports.every((port) => port > 0)).toBe(true);
});
