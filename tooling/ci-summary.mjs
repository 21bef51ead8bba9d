// Adds up the reports of .ci/run, prints the line that ends it and exits 1 when anything failed.
//   node tooling/ci-summary.mjs <status of the steps> <vitest's JSON report of npm test>
//     <vitest's JSON report of npm run interop> <report of the recordings>
import { existsSync, readFileSync } from "node:fs";

const [stepStatus, testsPath, interopPath, recordingsPath] = process.argv.slice(2);
const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined);
const tests = read(testsPath);
const interop = read(interopPath);
const recordings = read(recordingsPath);

const passed =
  (tests?.numPassedTests ?? 0) + (interop?.numPassedTests ?? 0) + (recordings?.passed ?? 0);
// An interoperability test that did not run has not shown anything: a failure, not a skip.
const interopFailed = interop === undefined ? 0 : interop.numTotalTests - interop.numPassedTests;
let failed = (tests?.numFailedTests ?? 0) + interopFailed + (recordings?.failed ?? 0);
const skipped =
  (tests?.numPendingTests ?? 0) + (tests?.numTodoTests ?? 0) + (recordings?.pending ?? 0);

// A test file that does not load counts no test of its own; a run without tests proves nothing.
const incomplete =
  tests?.success === false ||
  interop === undefined ||
  interop.success === false ||
  interop.numTotalTests === 0;
if (incomplete && failed === 0) failed += 1;
if (tests === undefined) console.log("npm test left no report: it failed before the first test");
if (interop === undefined) console.log("npm run interop left no report");
if (recordings === undefined) console.log("the recordings left no report");
if (stepStatus !== "0" && failed === 0) failed = 1;

console.log(
  `tests: ${tests?.numPassedTests ?? 0} of ${tests?.numTotalTests ?? 0}; ` +
    `interop: ${interop?.numPassedTests ?? 0} of ${interop?.numTotalTests ?? 0}; ` +
    `recordings: ${recordings?.passed ?? 0} passed, ${recordings?.pending ?? 0} pending`,
);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
