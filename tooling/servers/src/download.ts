import { createHash } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { cachedDownload, type Download, type ServerName } from "./catalogue.ts";

const limitMs = 300_000;

/** A server could not be fetched, or is not the one that was asked for. */
export class DownloadFailure extends Error {}

/** Fetches a server once, and keeps it when it is the file that the catalogue names. */
export async function downloadServer(name: ServerName, download: Download): Promise<string> {
  const path = cachedDownload(name, download);
  const bytes = await fetchAll(download.url);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== download.sha256) {
    throw new DownloadFailure(`${download.url} has the SHA-256 ${sha256}`);
  }
  mkdirSync(dirname(path), { recursive: true });
  // Renamed when whole: a download that is cut off leaves nothing that looks complete.
  const part = `${path}.${process.pid}`;
  try {
    writeFileSync(part, bytes);
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  return path;
}

async function fetchAll(url: string): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new DownloadFailure(`${url} cannot be fetched: ${cause}`, { cause });
  }
}
