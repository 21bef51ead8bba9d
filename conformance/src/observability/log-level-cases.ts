import assert from "node:assert/strict";
import type { LogLevel } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { loggerOf } from "./log-lines.ts";
import type { LoggerSubject, LoggerUnderTest } from "./logger-subject.ts";

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal"];

/** Number of lines written. */
function countOf({ written }: LoggerUnderTest): number {
  return written().split("\n").length - 1;
}

/** Which lines are written. */
export const logLevelCases: readonly ConformanceCase<LoggerSubject>[] = [
  {
    id: "logging/level/threshold",
    title: "lines at or above the level are written, those below are not",
    async run(subject) {
      for (const [index, level] of levels.entries()) {
        const made = loggerOf(subject, { level });
        for (const each of levels) made.logger.log(each, "x");
        assert.equal(countOf(made), levels.length - index, `level ${level}`);
      }
    },
  },
  {
    id: "logging/level/enabled",
    title: "`enabled` tells which lines would be written",
    async run(subject) {
      for (const level of levels) {
        const { logger } = loggerOf(subject, { level });
        const enabled = levels.filter((each) => logger.enabled(each));
        assert.deepEqual(enabled, levels.slice(levels.indexOf(level)), `level ${level}`);
      }
    },
  },
  {
    id: "logging/level/costs-nothing",
    title: "fields of a line below the level are not looked at",
    async run(subject) {
      const { logger } = loggerOf(subject, { level: "error" });
      const fields = {
        get costly(): string {
          return assert.fail("the field was read");
        },
      };
      logger.log("debug", "x", fields);
    },
  },
  {
    id: "logging/level/changes",
    title: "a changed level holds for scopes that exist already",
    appliesTo: ({ features }) => features?.levelChange !== false,
    async run(subject) {
      const made = loggerOf(subject, { level: "error" });
      const scope = made.logger.scope("dapr.acl");
      scope.log("info", "hidden");
      made.setLevel?.("debug");
      scope.log("debug", "shown");
      made.setLevel?.("fatal");
      scope.log("error", "hidden");
      assert.equal(countOf(made), 1, made.written());
      assert.ok(made.written().includes("shown"));
    },
  },
  {
    id: "logging/level/own",
    title: "lines with a level of their own are written whatever the level is",
    appliesTo: ({ features }) => features?.ownLevel !== false,
    async run(subject) {
      const made = loggerOf(subject, { level: "error" });
      const api = made.withLevel?.("info");
      api?.log("info", "HTTP API Called");
      made.setLevel?.("fatal");
      api?.log("info", "HTTP API Called");
      made.logger.log("info", "hidden");
      assert.equal(countOf(made), 2, made.written());
    },
  },
];
