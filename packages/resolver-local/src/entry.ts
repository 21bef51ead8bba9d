import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Instance, ResolveRequest } from "@outrigger/core";
import * as v from "valibot";
import type { OwnProcess } from "./own-process.ts";

/** More than any entry needs; what is larger was not written by us. */
const maxEntryBytes = 4_096;

const entrySchema = v.object({
  version: v.literal(1),
  appId: v.pipe(v.string(), v.nonEmpty()),
  namespace: v.pipe(v.string(), v.nonEmpty()),
  host: v.pipe(v.string(), v.regex(/^[^\s[\]/]+$/)),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  startTicks: v.optional(v.string()),
  pidNamespace: v.string(),
});

/** What one file of the registry says. */
export interface Entry {
  readonly appId: string;
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly startTicks?: string | undefined;
  readonly pidNamespace: string;
}

/** The text of the file for an instance of this process. */
export function encodeEntry(instance: Instance, own: OwnProcess): string {
  const { appId, namespace, host, internalPort: port } = instance;
  const { pid, startTicks, pidNamespace } = own;
  const entry = { version: 1, appId, namespace, host, port, pid, startTicks, pidNamespace };
  return `${JSON.stringify(entry)}\n`;
}

/** Ids may hold anything, so a file name holds a digest: it also finds the files of an app. */
export function filePrefix({ appId, namespace }: ResolveRequest): string {
  return createHash("sha256").update(`${namespace}\n${appId}`).digest("hex").slice(0, 24);
}

/** Prefix of a registry file's name; `undefined` for other files. */
export function prefixOf(fileName: string): string | undefined {
  return /^([0-9a-f]{24})\.[0-9a-f]{8,32}\.json$/.exec(fileName)?.[1];
}

/**
 * Reads one file. Follows no link, waits for no pipe, reads no more than an entry needs.
 * @returns the entry, `undefined` when the file has gone, or the reason why it is ignored.
 */
export async function readEntry(
  path: string,
  prefix: string,
  uid: number | undefined,
): Promise<Entry | string | undefined> {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  try {
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile()) return "it is no regular file";
      if (uid !== undefined && status.uid !== uid) return `it belongs to user ${status.uid}`;
      if (status.size > maxEntryBytes) return `it has ${status.size} bytes`;
      const buffer = Buffer.alloc(maxEntryBytes);
      const { bytesRead } = await file.read(buffer, 0, maxEntryBytes, 0);
      return decodeEntry(buffer.toString("utf8", 0, bytesRead), prefix);
    } finally {
      await file.close();
    }
  } catch (reason) {
    const code = reason instanceof Error && "code" in reason ? String(reason.code) : "";
    if (code === "ENOENT") return undefined;
    return code === "ELOOP" ? "it is a symbolic link" : `it cannot be read (${code})`;
  }
}

function decodeEntry(text: string, prefix: string): Entry | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is no JSON";
  }
  const result = v.safeParse(entrySchema, value);
  if (!result.success) {
    const [issue] = result.issues;
    return `${v.getDotPath(issue) ?? "the value"} is wrong: ${issue.message}`;
  }
  if (filePrefix(result.output) !== prefix) return "its name does not belong to its app id";
  return result.output;
}
