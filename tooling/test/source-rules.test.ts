import { basename } from "node:path";
import { expect, test } from "vitest";
import { packages } from "./workspace.ts";

interface SourceRule {
  readonly rule: string;
  readonly breaks: RegExp;
  readonly example: string;
}

const rules: readonly SourceRule[] = [
  {
    rule: "types say what they are: no any",
    breaks: /(?::|<|\||&|\bas|=>)\s*any\s*(?:[;,)>=\]|&[{]|$)/m,
    example: "function f(x: any) {}",
  },
  {
    rule: "no cast through unknown",
    breaks: /\bas unknown as\b/,
    example: "const a = b as unknown as C;",
  },
  {
    rule: "named exports only",
    breaks: /^\s*export default\b|\bas default\b/m,
    example: "export default f;",
  },
  {
    rule: "the door lists its names: no export *",
    breaks: /^\s*export\s*(?:type\s*)?\*/m,
    example: 'export * from "./a.ts";',
  },
  {
    rule: "the type checker is not silenced",
    breaks: /@ts-(?:ignore|expect-error|nocheck)/,
    example: "// @ts-ignore",
  },
  {
    rule: "sources run by erasing types: no enum, no namespace",
    breaks: /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?(?:enum|namespace)\s+\w+\s*\{/m,
    example: "export enum Colour {\n}",
  },
];

const vagueName =
  /^(?:utils?|helpers?|common|misc|types?|shared|lib|stuff|base|main-utils)$|-(?:utils?|helpers?)$/;

const files = packages.flatMap((owner) =>
  owner.sources.map((path) => ({ path: `${owner.folder}/${path}`, read: () => owner.read(path) })),
);

test.for(rules)("$rule", ({ breaks }) => {
  const offenders = files.filter(({ read }) => breaks.test(withoutProse(read())));
  expect(offenders.map(({ path }) => path)).toEqual([]);
});

test.for(rules)("the check of '$rule' can fail", ({ breaks, example }) => {
  expect(example).toMatch(breaks);
});

test("file names say what is inside, in kebab-case", () => {
  const names = files.map(({ path }) => [path, basename(path, ".ts")] as const);
  const vague = names.filter(([, name]) => vagueName.test(name) || !/^[a-z0-9-]+$/.test(name));
  expect(vague.map(([path]) => path)).toEqual([]);
});

test("an index.ts stands only at the door of a package", () => {
  const inner = files.filter(({ path }) => /\/src\/.+\/index\.ts$/.test(path));
  expect(inner.map(({ path }) => path)).toEqual([]);
});

/** Drops comment lines, in which "any" is a word, but keeps directives to the type checker. */
function withoutProse(source: string): string {
  return source
    .split("\n")
    .filter((line) => !/^\s*(?:\*|\/\*|\/\/)/.test(line) || line.includes("@ts-"))
    .join("\n");
}
