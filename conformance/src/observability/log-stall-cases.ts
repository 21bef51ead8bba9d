import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { eventually } from "../resolver/expect.ts";
import type { LoggerSubject, StalledLogger } from "./logger-subject.ts";

const lines = 10_000;
const message = "x".repeat(300);

async function withStalled(
  { stalled }: LoggerSubject,
  work: (made: StalledLogger) => Promise<void> | void,
): Promise<void> {
  const made = await stalled?.();
  assert.ok(made !== undefined);
  try {
    await work(made);
  } finally {
    made.close();
  }
}

const canStall = ({ stalled }: LoggerSubject): boolean => stalled !== undefined;

/** An output that nobody reads. */
export const logStallCases: readonly ConformanceCase<LoggerSubject>[] = [
  {
    id: "logging/stalled/no-wait",
    title: "an output that nobody reads holds up nobody who logs",
    appliesTo: canStall,
    run: (subject) =>
      withStalled(subject, ({ logger }) => {
        const startedAt = performance.now();
        for (let line = 0; line < lines; line++) logger.log("info", message);
        const tookMs = performance.now() - startedAt;
        assert.ok(tookMs < 3_000, `${lines} lines took ${Math.round(tookMs)} ms`);
      }),
  },
  {
    id: "logging/stalled/bounded",
    title: "lines that nobody reads take bounded memory: most of them are given up",
    appliesTo: canStall,
    run: (subject) =>
      withStalled(subject, async (made) => {
        for (let line = 0; line < lines; line++) made.logger.log("info", message);
        let bytes = 0;
        let quiet = 0;
        // The reader reads on until nothing has come for a while.
        for (; quiet < 20; quiet++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          const { length } = made.read();
          bytes += length;
          if (length > 0) quiet = 0;
        }
        assert.ok(bytes < (lines * message.length) / 2, `${bytes} bytes were kept`);
      }),
  },
  {
    id: "logging/stalled/loss-told",
    title: "lines that were given up are told by a warning once the output is read again",
    appliesTo: canStall,
    run: (subject) =>
      withStalled(subject, async (made) => {
        for (let line = 0; line < lines; line++) made.logger.log("info", message);
        let text = "";
        const observe = (): string => {
          text += made.read();
          made.logger.log("info", "again");
          return text.slice(-200);
        };
        await eventually(3_000, observe, () => /level"?[=:]"?warning/.test(text), "a warning");
      }),
  },
];
