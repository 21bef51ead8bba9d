import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A resources directory of a test. */
export class ResourceFolder {
  readonly path = mkdtempSync(join(tmpdir(), "outrigger-reload-"));

  write(name: string, ...documents: readonly string[]): void {
    writeFileSync(join(this.path, name), documents.join("---\n"));
  }

  /** As editors save: a new file takes the place of the old one. */
  replace(name: string, ...documents: readonly string[]): void {
    const draft = join(this.path, `.${name}.draft`);
    writeFileSync(draft, documents.join("---\n"));
    renameSync(draft, join(this.path, name));
  }

  /** An npm package that resources may name. */
  package(name: string, source: string): void {
    const home = join(this.path, "node_modules", name);
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), JSON.stringify({ name, type: "module" }));
    writeFileSync(join(home, "index.js"), source);
  }

  rename(from: string, to: string): void {
    renameSync(join(this.path, from), join(this.path, to));
  }

  delete(name: string): void {
    rmSync(join(this.path, name), { force: true });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Text of a resource document. */
export function resource(kind: string, name: string, spec: string): string {
  return `apiVersion: dapr.io/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec: ${spec}\n`;
}

/** Text of an HTTPEndpoint document for a server on loopback. */
export function endpoint(name: string, port = 9_000): string {
  return resource("HTTPEndpoint", name, `{baseUrl: "http://127.0.0.1:${port}"}`);
}
