import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findByResolver } from "../src/console/find-by-resolver.ts";

const folder = mkdtempSync(join(tmpdir(), "outrigger-find-"));
const file = join(folder, "config.yaml");
writeFileSync(
  file,
  `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: list
spec:
  nameResolution:
    component: static
    configuration:
      apps:
        orders: ["10.0.0.7:50002", "10.0.0.8:50002", "[fd00::9]:50002"]
        checkout: ["10.0.0.7:50003"]
`,
);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the resolver tells the machines, the flag tells the port", async () => {
  const find = findByResolver({
    ...{ apps: ["orders", "checkout", "nobody"], configFiles: [file], mode: "standalone" },
    ...{ apiPort: 3_500, env: {} },
  });
  expect([...(await find())].sort()).toEqual(["10.0.0.7:3500", "10.0.0.8:3500", "[fd00::9]:3500"]);
});
