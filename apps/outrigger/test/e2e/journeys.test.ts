import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = new URL("../../../../", import.meta.url);
const program = new URL("apps/outrigger/bin/outrigger.js", root).pathname;

/** A network of its own, so that the ports of the pages are free and mDNS stays on loopback. */
const isolates = spawnSync("unshare", ["--net", "ip", "link", "set", "lo", "up"]).status === 0;
if (!isolates) {
  console.warn("SKIPPED: the commands of docs/ need unshare and ip, and the right to use them");
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "outrigger-journey-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function blocks(page: string, language: string): string[] {
  const text = readFileSync(new URL(`docs/${page}`, root), "utf8");
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...text.matchAll(pattern)].map(([, block]) => block ?? "");
}

test("CI can run the commands of the pages", () => {
  expect(isolates || process.env.CI === undefined).toBe(true);
});

describe.runIf(isolates)("the commands of docs/, in their order", () => {
  test.for(["own-app.md", "observe.md", "security.md", "resiliency.md", "sqlite-and-local.md"])(
    "%s print what the page shows",
    { timeout: 60_000 },
    async (page) => {
      const script = [
        "ip link set lo up",
        `outrigger() { "${process.execPath}" "${program}" "$@"; }`,
        `node() { "${process.execPath}" "$@"; }`,
        "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT",
        "set -e",
        ...blocks(page, "sh"),
      ].join("\n");

      const args = ["--net", "--pid", "--fork", "--kill-child", "bash", "-c", script];
      const { stdout } = await run("unshare", args, {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: folder },
        timeout: 50_000,
      });

      const lines = blocks(page, "text").flatMap((block) => block.trim().split("\n"));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(stdout).toContain(line);
    },
  );
});

test("compose.md shows an example that is compiled", () => {
  const example = readFileSync(
    new URL("apps/outrigger/examples/call-over-network.ts", root),
    "utf8",
  );
  expect(blocks("compose.md", "ts")).toEqual([example]);
});
