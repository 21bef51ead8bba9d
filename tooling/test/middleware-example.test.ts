import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { workspace } from "./workspace.ts";
// Runs the suite on the example, as its author would.
import "../middleware-example/conformance.test.ts";

const read = (path: string): string => readFileSync(join(workspace, path), "utf8");

test.for(["stamp.ts", "conformance.test.ts", "component.yaml"])(
  "docs/middleware.md shows %s of the example as it is",
  (file) => {
    expect(read("docs/middleware.md")).toContain(
      `\n${read(`tooling/middleware-example/${file}`)}\`\`\`\n`,
    );
  },
);

test("the example middleware is short", () => {
  const lines = read("tooling/middleware-example/stamp.ts").trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(30);
});
