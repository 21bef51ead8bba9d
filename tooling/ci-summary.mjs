// Adds up the reports of .ci/run, prints the line that ends it and exits 1 when anything failed.
//   node tooling/ci-summary.mjs <status of the steps> <vitest's JSON report> <report of the recordings>
import { existsSync, readFileSync } from "node:fs";

const [stepStatus, testsPath, recordingsPath] = process.argv.slice(2);
const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined);
const tests = read(testsPath);
const recordings = read(recordingsPath);

const passed = (tests?.numPassedTests ?? 0) + (recordings?.passed ?? 0);
let failed = (tests?.numFailedTests ?? 0) + (recordings?.failed ?? 0);
const skipped =
  (tests?.numPendingTests ?? 0) + (tests?.numTodoTests ?? 0) + (recordings?.pending ?? 0);

// A test file that does not load counts no test of its own.
if (tests !== undefined && tests.success === false && failed === 0) failed += 1;
if (tests === undefined) console.log("npm test left no report: it failed before the first test");
if (recordings === undefined) console.log("the recordings left no report");
if (stepStatus !== "0" && failed === 0) failed = 1;

console.log(
  `tests: ${tests?.numPassedTests ?? 0} of ${tests?.numTotalTests ?? 0}; ` +
    `recordings: ${recordings?.passed ?? 0} passed, ${recordings?.pending ?? 0} pending`,
);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
