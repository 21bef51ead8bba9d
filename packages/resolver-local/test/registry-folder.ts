import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testContext } from "@outrigger/conformance";
import type { Logger, Resolver } from "@outrigger/core";
import { type ResolverLocalOptions, resolverLocal } from "@outrigger/resolver-local";

const { signal } = new AbortController();

/** A registry of a test, and what its resolvers log. */
export class RegistryFolder {
  readonly root: string = mkdtempSync(join(tmpdir(), "outrigger-local-"));
  readonly folder: string = join(this.root, "registry");
  readonly log: string[] = [];
  readonly #resolvers: Resolver[] = [];

  async start(options: ResolverLocalOptions = {}): Promise<Resolver> {
    const log: Logger = {
      log: (level, message) => void this.log.push(`${level}: ${message}`),
      enabled: () => true,
      scope: () => log,
    };
    const folder = this.folder;
    const resolver = resolverLocal({ folder, freshMs: 0, ...options })(testContext({ log }));
    this.#resolvers.push(resolver);
    await resolver.start?.(signal);
    return resolver;
  }

  /** A started resolver that has announced the app. */
  async announce(appId: string, port: number): Promise<Resolver> {
    const resolver = await this.start();
    await resolver.announce?.(instanceOf(appId, port), signal);
    return resolver;
  }

  async portsOf(resolver: Resolver, appId: string): Promise<readonly number[]> {
    const request = { appId, namespace: "default" };
    const found = await resolver.resolve(request, signal).catch(() => []);
    return found.map(({ port }) => port).sort();
  }

  /** Folder of the instances that can reach each other. */
  get scope(): string {
    const [name = ""] = readdirSync(this.folder);
    return join(this.folder, name);
  }

  get files(): readonly string[] {
    return readdirSync(this.scope);
  }

  /** Path of a file of the app that no resolver has written. */
  pathFor(appId: string, id: string): string {
    const digest = createHash("sha256").update(`default\n${appId}`).digest("hex");
    return join(this.scope, `${digest.slice(0, 24)}.${id}.json`);
  }

  write(appId: string, id: string, text: string): string {
    const path = this.pathFor(appId, id);
    writeFileSync(path, text);
    return path;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#resolvers.map((resolver) => resolver.stop?.()));
    rmSync(this.root, { recursive: true, force: true });
  }
}

export function instanceOf(appId: string, port: number) {
  const ports = { internalPort: port, httpPort: 0, appPort: 0 };
  return { appId, namespace: "default", host: "127.0.0.1", ...ports };
}
