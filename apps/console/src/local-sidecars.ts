import { lstat, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Component, Logger } from "@outrigger/core";
import { errorText } from "@outrigger/core";
import * as v from "valibot";

/** Environment variables by name. */
export type ConsoleEnvironment = Readonly<Record<string, string | undefined>>;

/** What a running sidecar leaves in the user's folder so that a console finds it. */
export interface SidecarCard {
  readonly appId: string;
  readonly namespace: string;
  readonly host: string;
  /** Port of the HTTP API. */
  readonly httpPort: number;
}

/** Most files that are looked at. */
const maxCards = 1_024;
const maxCardBytes = 4_096;

const cardSchema = v.object({
  version: v.literal(1),
  appId: v.string(),
  namespace: v.string(),
  host: v.pipe(v.string(), v.regex(/^[^\s[\]/]+$/)),
  httpPort: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
});

/**
 * Where the sidecars of this user leave their cards: `OUTRIGGER_SIDECARS_FOLDER`, or a folder of its
 * own in the user's runtime folder, or in the one for temporary files.
 */
export async function sidecarsFolder(env: ConsoleEnvironment): Promise<string> {
  if (env.OUTRIGGER_SIDECARS_FOLDER) return env.OUTRIGGER_SIDECARS_FOLDER;
  const uid = process.getuid?.();
  const runtime = env.XDG_RUNTIME_DIR ?? "";
  if (uid !== undefined && isAbsolute(runtime)) {
    const status = await lstat(runtime).catch(() => undefined);
    // Under sudo the variable may name somebody else's folder.
    if (status?.isDirectory() && status.uid === uid) return join(runtime, "outrigger-sidecars");
  }
  return join(tmpdir(), `outrigger-sidecars-${uid ?? userInfo().username}`);
}

/** Leaves a card while it runs. A card that cannot be written costs a line in the log, no more. */
export function localSidecar(card: SidecarCard, env: ConsoleEnvironment, log: Logger): Component {
  let path: string | undefined;
  return {
    name: "local-sidecars",
    start: async () => {
      try {
        const folder = await sidecarsFolder(env);
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await requirePrivate(folder);
        await sweep(folder);
        path = join(folder, `${process.pid}-${card.httpPort}.json`);
        await writeFile(path, JSON.stringify({ version: 1, ...card }), { mode: 0o600 });
      } catch (reason) {
        log.log("debug", `consoles will not find this sidecar: ${errorText(reason)}`);
      }
    },
    stop: async () => {
      if (path !== undefined) await rm(path, { force: true }).catch(() => undefined);
      path = undefined;
    },
  };
}

/** The sidecars of this user that run on this machine. Never rejects: without a folder there are none. */
export async function localSidecars(env: ConsoleEnvironment): Promise<readonly SidecarCard[]> {
  try {
    const folder = await sidecarsFolder(env);
    await requirePrivate(folder);
    const names = (await readdir(folder)).filter(isRunning).slice(0, maxCards);
    const cards = await Promise.all(names.map((name) => readCard(join(folder, name))));
    return cards.filter((card) => card !== undefined);
  } catch {
    return [];
  }
}

/** Whoever else could write there would choose what the console talks to. */
async function requirePrivate(folder: string): Promise<void> {
  const status = await lstat(folder);
  const uid = process.getuid?.();
  if (!status.isDirectory()) throw new Error(`${folder} is no folder`);
  if (uid === undefined) return;
  if (status.uid !== uid) throw new Error(`${folder} belongs to user ${status.uid}`);
  if ((status.mode & 0o022) !== 0) throw new Error(`${folder} can be written to by others`);
}

/** Removes what sidecars left behind that ended without a word. */
async function sweep(folder: string): Promise<void> {
  const names = (await readdir(folder)).slice(0, maxCards);
  const dead = names.filter((name) => pidOf(name) !== undefined && !isRunning(name));
  await Promise.all(dead.map((name) => rm(join(folder, name), { force: true })));
}

function pidOf(name: string): number | undefined {
  const pid = /^(\d{1,10})-\d{1,5}\.json$/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function isRunning(name: string): boolean {
  const pid = pidOf(name);
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (reason) {
    return reason instanceof Error && "code" in reason && reason.code === "EPERM";
  }
}

async function readCard(path: string): Promise<SidecarCard | undefined> {
  try {
    if ((await stat(path)).size > maxCardBytes) return undefined;
    const result = v.safeParse(cardSchema, JSON.parse(await readFile(path, "utf8")));
    return result.success ? result.output : undefined;
  } catch {
    // It ended just now, or wrote half of it so far.
    return undefined;
  }
}
