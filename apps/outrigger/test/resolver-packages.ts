import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder with a `node_modules` of its own. */
export class PackageFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), "outrigger-packages-"));

  /** Installs a package: its manifest and its files. */
  install(
    manifest: { readonly name: string } & Readonly<Record<string, unknown>>,
    files: Readonly<Record<string, string>>,
  ): void {
    const folder = join(this.path, "node_modules", manifest.name);
    const all = { ...files, "package.json": JSON.stringify({ type: "module", ...manifest }) };
    for (const [name, text] of Object.entries(all)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  }

  /** A Configuration file beside `node_modules`. */
  get configFile(): string {
    return join(this.path, "config.yaml");
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Source of a package whose resolver answers with one endpoint on the port of its options. */
export const portResolver = `
export const resolver = (options) => {
  if (typeof options.port !== "number") throw new Error("port: must be a number");
  return () => ({
    name: "resolver-port",
    features: { announces: false, namespaces: true, expires: false, watches: false },
    resolve: async () => [{ host: "127.0.0.1", port: options.port }],
  });
};
`;
