import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOutriggerError } from "@outrigger/core";
import { createLogger, fileSink, parseLogLevel, stdoutSink } from "@outrigger/logging";
import { expect, test } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "outrigger-logging-"));

function recorder() {
  const lines: string[] = [];
  return { lines, sink: { write: (line: string) => lines.push(line), close: () => undefined } };
}

test("a changed level reaches scopes that exist already", () => {
  const { lines, sink } = recorder();
  const log = createLogger({ sink, level: "error" });
  const scope = log.scope("dapr.acl");
  scope.log("info", "hidden");
  log.setLevel("debug");
  scope.log("debug", "shown");
  expect(scope.enabled("debug")).toBe(true);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("msg=shown");
});

test("withLevel writes below the logger's own level and stays there", () => {
  const { lines, sink } = recorder();
  const api = createLogger({ sink, level: "error" })
    .scope("dapr.runtime.http-info")
    .withLevel("info");
  api.log("info", "HTTP API Called");
  expect(lines).toHaveLength(1);
});

test.each([
  ["Debug", "debug"],
  ["WARN", "warn"],
  ["warning", undefined],
  ["toString", undefined],
])("level %s reads as %s", (text, level) => {
  expect(parseLogLevel(text)).toBe(level);
});

test("a wrong option names field, value and what is right", () => {
  const wrong = { level: "loud" } as object;
  expect(() => createLogger(wrong)).toThrow(/logging: level: must be debug.*\(got "loud"\)/);
});

test("the file sink appends and creates with mode 0644", () => {
  const path = join(directory, "out.log");
  const before = process.umask(0);
  try {
    const first = fileSink(path);
    expect(statSync(path).mode & 0o777).toBe(0o644);
    first.write("one\n");
    first.close();
    first.write("after close\n");
    const second = fileSink(path);
    second.write("two\n");
    second.close();
  } finally {
    process.umask(before);
  }
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
});

test("a log file that cannot be opened is an options error", () => {
  const path = join(directory, "missing", "out.log");
  try {
    fileSink(path);
    expect.unreachable();
  } catch (reason) {
    expect(isOutriggerError(reason, "OTR_OPTIONS_INVALID")).toBe(true);
    expect(String(reason)).toContain(path);
  }
});

test("lines given up are reported once the logger writes again", () => {
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line), lostLines: 0, close: () => undefined };
  const log = createLogger({ sink });
  sink.lostLines = 3;
  log.log("info", "a");
  log.log("info", "b");
  expect(lines.filter((line) => line.includes("3 log lines were lost"))).toHaveLength(1);
});

test("all lines given up are reported, not those alone that were lost last", () => {
  const lines: string[] = [];
  let isStalled = true;
  const sink = {
    lostLines: 0,
    write: (line: string) => {
      if (isStalled) sink.lostLines += 1;
      else lines.push(line);
    },
    close: () => undefined,
  };
  const log = createLogger({ sink });
  for (let line = 0; line < 5; line++) log.log("info", "lost");
  isStalled = false;
  log.log("info", "a");
  log.log("info", "b");
  const reports = lines.filter((line) => line.includes("log lines were lost"));
  expect(reports).toHaveLength(1);
  expect(reports[0]).toContain("5 log lines were lost");
});

test("a descriptor without a reader is silently given up", () => {
  const sink = stdoutSink(999);
  expect(() => sink.write("x\n")).not.toThrow();
  sink.close();
});

test("a slow reader of a non-blocking pipe gets every line before exit", async () => {
  const script = join(directory, "slow.mjs");
  const stdoutSinkUrl = new URL("../src/stdout-sink.ts", import.meta.url).href;
  writeFileSync(
    script,
    `const { stdoutSink } = await import(${JSON.stringify(stdoutSinkUrl)});
const sink = stdoutSink(1);
for (let index = 0; index < 4000; index += 1) sink.write(index + "x".repeat(95) + "\\n");
process.on("exit", () => sink.close());
`,
  );
  // A socket pair, which node makes for "pipe", is non-blocking in the child as well.
  const child = spawn(process.execPath, ["--no-warnings", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.pause();
  child.stdout.once("readable", () =>
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk)),
  );
  await new Promise((resolve) => child.once("close", resolve));
  const lines = Buffer.concat(chunks).toString().trimEnd().split("\n");
  expect(lines).toHaveLength(4000);
  expect(lines[3999]).toMatch(/^3999x+$/);
});
