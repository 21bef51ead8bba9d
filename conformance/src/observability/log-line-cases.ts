import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { formatsOf, linesOf, loggerOf } from "./log-lines.ts";
import type { LoggerSubject } from "./logger-subject.ts";

const hasText = ({ features }: LoggerSubject): boolean => features?.text !== false;
const hasJson = ({ features }: LoggerSubject): boolean => features?.json !== false;

function keysCase(format: "text" | "json"): ConformanceCase<LoggerSubject> {
  return {
    id: `logging/${format}/keys`,
    title: `a line of ${format === "text" ? "text" : "JSON"} has Dapr's keys`,
    appliesTo: format === "text" ? hasText : hasJson,
    async run(subject) {
      const made = loggerOf(subject, { format });
      made.logger.log("info", "hello");
      const [line] = linesOf(made, format);
      const { time: _, ...rest } = line ?? {};
      assert.deepEqual(rest, {
        level: "info",
        msg: "hello",
        scope: "dapr.runtime",
        type: "log",
        instance: "host-1",
        ver: "1.18.1",
        app_id: "orders",
      });
    },
  };
}

/** The form of lines. */
export const logLineCases: readonly ConformanceCase<LoggerSubject>[] = [
  keysCase("text"),
  keysCase("json"),
  {
    id: "logging/text/quoted",
    title: "values with blanks, quotes or equals signs are quoted, plain ones are not",
    appliesTo: hasText,
    async run(subject) {
      const made = loggerOf(subject);
      made.logger.log("info", 'say "hi"', { blank: "a b", equal: "a=b", plain: "a-b/c@d" });
      const text = made.written();
      for (const part of ['msg="say \\"hi\\""', 'blank="a b"', 'equal="a=b"', "plain=a-b/c@d"]) {
        assert.ok(text.includes(part), `${part} in ${text}`);
      }
    },
  },
  {
    id: "logging/text/one-line",
    title: "a message cannot add a line of text",
    appliesTo: hasText,
    async run(subject) {
      const made = loggerOf(subject);
      made.logger.log("info", "one\nlevel=error\ttwo");
      const lines = linesOf(made, "text");
      assert.equal(lines.length, 1);
      assert.equal(lines[0]?.msg, "one\nlevel=error\ttwo");
    },
  },
  {
    id: "logging/json/parses",
    title: "lines of JSON parse one by one, whatever is in them",
    appliesTo: hasJson,
    async run(subject) {
      const made = loggerOf(subject, { format: "json" });
      const hostile = ['a"b\\c', "one\ntwo", "<&>\u2028größe", "\u0000\u001b[31m"];
      for (const text of hostile) made.logger.log("info", text, { value: text });
      assert.deepEqual(
        linesOf(made, "json").map(({ msg, value }) => [msg, value]),
        hostile.map((text) => [text, text]),
      );
    },
  },
  {
    id: "logging/json/kinds",
    title: "numbers and truth values stay what they are in JSON",
    appliesTo: hasJson,
    async run(subject) {
      const made = loggerOf(subject, { format: "json" });
      made.logger.log("info", "x", { code: 200, ok: true });
      const [line] = linesOf(made, "json");
      assert.deepEqual([line?.code, line?.ok], [200, true]);
    },
  },
  {
    id: "logging/line/warning",
    title: "a warning has the level `warning`, the others have their names",
    async run(subject) {
      for (const format of formatsOf(subject)) {
        const made = loggerOf(subject, { format, level: "debug" });
        for (const level of ["debug", "info", "warn", "error", "fatal"] as const) {
          made.logger.log(level, "x");
        }
        const words = linesOf(made, format).map(({ level }) => level);
        assert.deepEqual(words, ["debug", "info", "warning", "error", "fatal"], format);
      }
    },
  },
  {
    id: "logging/line/time",
    title: "the time is that of the line, with its zone and parts of a second",
    async run(subject) {
      for (const format of formatsOf(subject)) {
        const before = Date.now();
        const made = loggerOf(subject, { format });
        made.logger.log("info", "x");
        const time = String(linesOf(made, format)[0]?.time);
        assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/);
        const at = Date.parse(time);
        assert.ok(at >= before - 100 && at <= Date.now() + 100, `${time} is not now`);
      }
    },
  },
  {
    id: "logging/line/fields",
    title: "fields of the caller are on the line",
    async run(subject) {
      for (const format of formatsOf(subject)) {
        const made = loggerOf(subject, { format });
        made.logger.log("info", "x", { method: "GET /", code: 200 });
        const [line] = linesOf(made, format);
        assert.deepEqual([line?.method, String(line?.code)], ["GET /", "200"], format);
      }
    },
  },
  {
    id: "logging/line/forged-keys",
    title: "a field cannot take the place of time, level and message",
    async run(subject) {
      for (const format of formatsOf(subject)) {
        const made = loggerOf(subject, { format });
        made.logger.log("error", "real", { level: "info", msg: "forged", time: "never" });
        const [line] = linesOf(made, format);
        assert.deepEqual([line?.level, line?.msg], ["error", "real"], format);
        assert.notEqual(line?.time, "never", format);
      }
    },
  },
  {
    id: "logging/scope/named",
    title: "lines of a scope carry its name, those of the logger its own",
    async run(subject) {
      for (const format of formatsOf(subject)) {
        const made = loggerOf(subject, { format });
        const scope = made.logger.scope("dapr.acl");
        scope.log("info", "x");
        made.logger.log("info", "y");
        const scopes = linesOf(made, format).map((line) => line.scope);
        assert.deepEqual(scopes, ["dapr.acl", "dapr.runtime"], format);
      }
    },
  },
];
