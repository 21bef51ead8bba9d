import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { composeTwoRuntimes } from "../examples/compose-runtime.ts";

test("two runtimes composed in one process call each other by app id", async () => {
  expect(await composeTwoRuntimes()).toBe("POST new accepted");
});

test("the repository's README shows that example", () => {
  const root = join(import.meta.dirname, "../../..");
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]);
  const example = readFileSync(join(root, "apps/outrigger/examples/compose-runtime.ts"), "utf8");
  expect(blocks).toContain(example);
});
