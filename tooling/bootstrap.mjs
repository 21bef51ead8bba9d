// Makes a clean clone ready: installs the locked packages, the repo's own Node among them.
// Dependency-free; runs on any Node >= 20.11. Safe to run several times at once.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const windows = process.platform === "win32";
const modules = join(root, "node_modules");
const stamp = join(modules, ".bootstrapped");
const lock = join(modules, ".bootstrapping");
const lockStaleMs = 10_000;
const lockWaitMs = 600_000;

const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const lockfile = createHash("sha256")
  .update(readFileSync(join(root, "pnpm-lock.yaml")))
  .digest("hex");

if (!isReady()) {
  const keepAlive = await takeLock();
  try {
    if (!isReady()) await install();
  } finally {
    clearInterval(keepAlive);
    rmSync(lock, { recursive: true, force: true });
  }
}

function isReady() {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === lockfile && nodeWorks();
}

/** A link that points nowhere (its install script was cut off) must not count as installed. */
function nodeWorks() {
  return existsSync(join(modules, ".bin", windows ? "node.cmd" : "node"));
}

/** Creating a folder is atomic. A holder that died stops touching it, and is then overruled. */
async function takeLock() {
  mkdirSync(modules, { recursive: true });
  const deadline = Date.now() + lockWaitMs;
  for (let announced = false; ; ) {
    try {
      mkdirSync(lock);
      return setInterval(() => utimesSync(lock, new Date(), new Date()), lockStaleMs / 5);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const touched = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    if (touched !== undefined && Date.now() - touched > lockStaleMs) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > deadline) fail("another bootstrap has been running for ten minutes");
    if (!announced) console.error("bootstrap: waiting for another one to end");
    announced = true;
    await new Promise((resume) => setTimeout(resume, 200));
  }
}

async function install() {
  const code = await new Promise((done) => {
    const child = spawn("npx", ["--yes", packageManager, "install", "--frozen-lockfile"], {
      cwd: root,
      stdio: "inherit",
      shell: windows,
    });
    child.on("error", (error) => done(error.message));
    child.on("close", done);
  });
  if (code !== 0) {
    fail(
      `installing the packages failed (${code}).\n` +
        `  It needs the npm registry: \`npm ping\` says whether it answers; behind a proxy or a\n` +
        `  mirror set \`npm config set registry <url>\`. Then run \`npm run bootstrap\` again.`,
    );
  }
  const node = spawnSync(join(modules, ".bin", "node"), ["--version"], {
    encoding: "utf8",
    shell: windows,
  });
  if (node.status !== 0) {
    fail(
      "the repo's own Node does not start: its install script downloads it through npm.\n" +
        "  Remove node_modules and run `npm run bootstrap` again.",
    );
  }
  const fresh = `${stamp}.${process.pid}`;
  writeFileSync(fresh, lockfile);
  renameSync(fresh, stamp);
}

function fail(message) {
  console.error(`bootstrap: ${message}`);
  rmSync(lock, { recursive: true, force: true });
  process.exit(1);
}
