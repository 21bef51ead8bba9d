import { defineConfig } from "vitest/config";

// Not a project of the workspace: it needs root and a network of its own, see run.mjs.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 20_000,
    hookTimeout: 90_000,
    // Two meshes at once would find one another by mDNS.
    fileParallelism: false,
  },
});
