import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolverFixture, testContext } from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import type { Endpoint } from "@outrigger/core";
import { resolverFile } from "./my-resolver.ts";

resolverConformance({
  name: "my-resolver",
  setup: async () => {
    const folder = await mkdtemp(join(tmpdir(), "my-resolver-"));
    const path = join(folder, "apps.json");
    await writeFile(path, JSON.stringify(appsOfFixture()));
    const create = () => resolverFile({ path })(testContext());
    const resolver = create();
    return {
      subject: {
        resolver,
        create,
        malformedConfigurations: [() => resolverFile({ path: "" })],
        createUnreachable: () =>
          resolverFile({ path: join(folder, "missing.json") })(testContext()),
      },
      teardown: async () => {
        await resolver.stop?.();
        await rm(folder, { recursive: true });
      },
    };
  },
});

function appsOfFixture(): Record<string, Endpoint[]> {
  const apps: Record<string, Endpoint[]> = {};
  for (const { appId, namespace, host, internalPort } of resolverFixture) {
    const key = `${appId}.${namespace}`;
    apps[key] = [...(apps[key] ?? []), { host, port: internalPort }];
  }
  return apps;
}
