import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { MaterialStore, StoredMaterial } from "./material-store.ts";

/** Paths of the five files. */
export type MaterialPaths = Readonly<Record<keyof Required<StoredMaterial>, string>>;

/** Options of `fileStore`. */
export interface FileStoreOptions {
  /** Folder of the files. It must exist. */
  readonly folder: string;
  /** File names; an absolute path leaves the folder. Default Dapr's: `ca.crt`, `issuer.crt`, ... */
  readonly names?: Partial<MaterialPaths> | undefined;
}

const defaultNames: MaterialPaths = {
  trustAnchors: "ca.crt",
  issuerChain: "issuer.crt",
  issuerKey: "issuer.key",
  jwtKey: "jwt.key",
  jwks: "jwks.json",
};

/** Keeps an authority in files. New files appear whole and are readable by their owner only. */
export function fileStore({ folder, names = {} }: FileStoreOptions): MaterialStore {
  const path = (part: keyof MaterialPaths): string =>
    resolve(folder, names[part] ?? defaultNames[part]);
  const parts = Object.keys(defaultNames) as (keyof MaterialPaths)[];
  return {
    folders: [...new Set([resolve(folder), ...parts.map((part) => dirname(path(part)))])],
    load: async () => {
      const read = parts.map(async (part) => [part, await readIfThere(path(part))] as const);
      return Object.fromEntries(await Promise.all(read));
    },
    save: async (material) => {
      for (const part of parts) {
        const text = material[part];
        if (text !== undefined) await writeWhole(path(part), text);
      }
    },
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (reason) {
    if (reason instanceof Error && "code" in reason && reason.code === "ENOENT") return undefined;
    throw reason;
  }
}

/** A reader sees the old text or the new one, also after a crash. */
async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path).catch(async (reason: unknown) => {
    await rm(temporary, { force: true });
    throw reason;
  });
}
