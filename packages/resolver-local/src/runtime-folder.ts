import { chmod, lstat, mkdir } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { errorText, OutriggerError } from "@outrigger/core";
import type { OwnProcess } from "./own-process.ts";

/** Where all sidecars of this user meet unless options say otherwise. */
export async function defaultFolder({ uid }: OwnProcess): Promise<string> {
  // A user of another id than the environment says (sudo keeps it) must not write there. The second
  // candidate is for services and cron jobs, which have no session and so no variable.
  const candidates = [
    process.env.XDG_RUNTIME_DIR ?? "",
    uid === undefined ? "" : `/run/user/${uid}`,
  ];
  for (const folder of candidates) {
    if (isAbsolute(folder) && (await belongsTo(folder, uid))) return join(folder, "outrigger");
  }
  return join(tmpdir(), `outrigger-${uid ?? userInfo().username}`);
}

async function belongsTo(folder: string, uid: number | undefined): Promise<boolean> {
  if (uid === undefined) return false;
  const status = await lstat(folder).catch(() => undefined);
  return status?.isDirectory() === true && status.uid === uid;
}

/**
 * Makes the folder, for this user only.
 * @throws OutriggerError `OTR_RESOLVE_FAILED` when it cannot be made or is not this user's: whoever
 *   writes there decides where calls go.
 */
export async function makePrivateFolder(folder: string, uid: number | undefined): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable(folder, errorText(cause), cause);
  }
  await checkPrivateFolder(folder, uid);
}

/** The same without making it. Returns false when there is no such folder. */
export async function checkPrivateFolder(
  folder: string,
  uid: number | undefined,
): Promise<boolean> {
  try {
    // Not `stat`: a link could lead into a folder of this user that somebody else writes to.
    const status = await lstat(folder);
    if (!status.isDirectory()) throw unusable(folder, "it is no folder");
    if (uid === undefined) return true;
    if (status.uid !== uid) throw unusable(folder, `it belongs to user ${status.uid}`);
    if ((status.mode & 0o077) !== 0) await chmod(folder, 0o700);
    return true;
  } catch (reason) {
    if (reason instanceof OutriggerError) throw reason;
    if (reason instanceof Error && "code" in reason && reason.code === "ENOENT") return false;
    throw unusable(folder, errorText(reason), reason);
  }
}

function unusable(folder: string, why: string, cause?: unknown): OutriggerError {
  return new OutriggerError(`the registry folder ${folder} cannot be used: ${why}`, {
    code: "OTR_RESOLVE_FAILED",
    cause,
    details: { folder },
  });
}
