import { defineConfig } from "vitest/config";

// Not a project of the workspace: `npm test` stays quick, `npm run interop` runs this.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/start-mesh.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // All files share the mesh and two cores.
    maxWorkers: 2,
  },
});
