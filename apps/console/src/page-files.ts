import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file of the page, in memory. */
export interface PageFile {
  readonly contentType: string;
  readonly body: Buffer;
}

const folder = fileURLToPath(new URL("../page", import.meta.url));

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Reads the page: few small files, by the path that a browser asks for. */
export async function loadPage(): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  for (const name of await readdir(folder)) {
    const contentType = contentTypes[extname(name)];
    if (contentType === undefined) continue;
    const body = await readFile(join(folder, name));
    files.set(name === "index.html" ? "/" : `/${name}`, { contentType, body });
  }
  return files;
}
