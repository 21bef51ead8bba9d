import { expect, test } from "vitest";
import { readConsoleOptions } from "../src/console/console-options.ts";
import { runConsole } from "../src/console/run-console.ts";

test("the flags become options, secrets come from the environment", () => {
  const argv = ["--listen", "[::1]:0", "--sidecar", "10.0.0.7:3500", "--local=false"];
  const traceUrl = "http://zipkin/{traceId}";
  const env = { OUTRIGGER_CONSOLE_TOKEN: "open-sesame", DAPR_API_TOKEN: "let-me-in" };
  expect(readConsoleOptions([...argv, "--trace-url", traceUrl], env)).toEqual({
    kind: "run",
    options: {
      ...{ host: "::1", port: 0, sidecars: ["10.0.0.7:3500"], findLocal: false, traceUrl },
      ...{ token: "open-sesame", apiToken: "let-me-in" },
    },
  });
});

test("by default it listens on loopback and finds the local sidecars", () => {
  expect(readConsoleOptions([], {})).toEqual({
    kind: "run",
    options: { host: "127.0.0.1", port: 7_700, sidecars: [], findLocal: true },
  });
});

test.for([
  [["--listen", "7700"], "--listen"],
  [["--listen", "127.0.0.1:99999"], "--listen"],
  [["--api-port", "0"], "--api-port"],
  [["--mode", "cloud"], "--mode"],
  [["--bogus"], "--bogus"],
  [["orders"], "orders"],
] as const)("%j is wrong usage", ([argv, part]) => {
  expect(readConsoleOptions(argv, {})).toMatchObject({
    ...{ kind: "exit", exitCode: 2 },
    text: expect.stringContaining(part),
  });
});

test("--help explains the flags", () => {
  expect(readConsoleOptions(["--help"], {})).toMatchObject({
    ...{ kind: "exit", exitCode: 0 },
    text: expect.stringContaining("--trace-url"),
  });
});

test("it serves until it is ended", async () => {
  const ending = new AbortController();
  let printed = "";
  const code = await runConsole(["--listen", "127.0.0.1:0", "--local=false"], process.env, {
    signal: ending.signal,
    stdout: (text) => {
      printed += text;
      ending.abort();
    },
  });
  expect(code).toBe(0);
  const url = /The console is at (http:\S+)/.exec(printed)?.[1] ?? "";
  await expect(fetch(url)).rejects.toThrow("fetch failed");
});

test("a sidecar address that is none is wrong usage", async () => {
  let printed = "";
  const code = await runConsole(["--sidecar", "http://host/path"], process.env, {
    stderr: (text) => {
      printed += text;
    },
  });
  expect([code, printed]).toEqual([2, expect.stringContaining("sidecars")]);
});
