import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { ResolverBackend } from "@outrigger/conformance";

/** Takes the folder of the file away, and brings it back empty. */
export function fileBackend(path: string, onRestored: () => void): ResolverBackend {
  const folder = dirname(path);
  return {
    async interrupt() {
      if (!existsSync(folder)) return;
      renameSync(folder, `${folder}-away`);
      rmSync(`${folder}-away`, { recursive: true });
    },
    async restore() {
      mkdirSync(folder, { recursive: true });
      onRestored();
    },
  };
}
