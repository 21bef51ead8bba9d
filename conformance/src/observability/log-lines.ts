import assert from "node:assert/strict";
import type { LoggerSettings, LoggerSubject, LoggerUnderTest } from "./logger-subject.ts";

type Line = Readonly<Record<string, unknown>>;

const pair = /([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?: |$)/y;

/** Keys and values of a text line; quotes are taken off. Rejects when it is not made of pairs. */
export function parseTextLine(line: string): Line {
  const keys: Record<string, string> = {};
  pair.lastIndex = 0;
  for (let at = 0; at < line.length; at = pair.lastIndex) {
    const found = pair.exec(line);
    assert.ok(found !== null, `not a line of pairs: ${line}`);
    const [, key = "", value = ""] = found;
    assert.ok(!Object.hasOwn(keys, key), `${key} comes twice: ${line}`);
    keys[key] = value.startsWith('"') ? unquoted(value) : value;
  }
  return keys;
}

function unquoted(text: string): string {
  return text
    .slice(1, -1)
    .replace(/\\(["\\nt])/g, (_whole, character: string) =>
      character === "n" ? "\n" : character === "t" ? "\t" : character,
    );
}

/** What was written, line by line, of either form. Rejects when a line cannot be read. */
export function linesOf({ written }: LoggerUnderTest, format: "text" | "json"): readonly Line[] {
  const text = written();
  if (text === "") return [];
  assert.ok(text.endsWith("\n"), "the last line ends with a newline");
  const lines = text.slice(0, -1).split("\n");
  return lines.map((line) =>
    format === "json" ? (JSON.parse(line) as Line) : parseTextLine(line),
  );
}

/** A logger with plain settings where nothing is given. */
export function loggerOf(
  { create }: LoggerSubject,
  given: Partial<LoggerSettings> = {},
): LoggerUnderTest {
  return create({
    format: "text",
    level: "info",
    appId: "orders",
    scope: "dapr.runtime",
    instance: "host-1",
    version: "1.18.1",
    ...given,
  });
}

/** The forms that the subject has. */
export function formatsOf({ features }: LoggerSubject): readonly ("text" | "json")[] {
  return (["text", "json"] as const).filter((format) => features?.[format] !== false);
}
