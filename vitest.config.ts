import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { defineConfig } from "vitest/config";

const workspace = import.meta.dirname;
const folders = globSync(["packages/*", "apps/*", "conformance", "tooling"], { cwd: workspace });

export default defineConfig({
  // Tests load TypeScript sources through this condition, so nothing is built first.
  ssr: { resolve: { conditions: ["@outrigger/source", "node", "module"] } },
  test: {
    projects: folders.map((folder) => ({
      extends: true,
      test: {
        name: basename(folder),
        root: join(workspace, folder),
        include: ["test/**/*.test.ts"],
        testTimeout: 20_000,
        hookTimeout: 30_000,
      },
    })),
  },
});
