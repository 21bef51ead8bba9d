import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Instance } from "@outrigger/core";

/** A path for a database in a folder of its own. */
export class TestFile {
  readonly folder: string = mkdtempSync(join(tmpdir(), "outrigger-sqlite-"));
  readonly path: string = join(this.folder, "hosts.db");

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** An instance on loopback. */
export function instance(appId: string, internalPort: number): Instance {
  const host = "127.0.0.1";
  return { appId, namespace: "default", host, internalPort, httpPort: 0, appPort: 0 };
}
