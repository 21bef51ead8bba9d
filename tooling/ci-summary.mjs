// Adds up the reports of .ci/run, prints the line that ends it and exits 1 when anything failed.
//   node tooling/ci-summary.mjs <status of the steps> <vitest's JSON report of npm test>
//     <vitest's JSON report of npm run interop> <the same of npm run dapr-peers>
//     <report of the recordings>
import { existsSync, readFileSync } from "node:fs";

const [stepStatus, testsPath, interopPath, peersPath, recordingsPath] = process.argv.slice(2);
const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined);
const tests = read(testsPath);
const interop = read(interopPath);
const peers = read(peersPath);
const recordings = read(recordingsPath);

const passed =
  (tests?.numPassedTests ?? 0) +
  (interop?.numPassedTests ?? 0) +
  (peers?.numPassedTests ?? 0) +
  (recordings?.passed ?? 0);
let failed =
  (tests?.numFailedTests ?? 0) + notPassed(interop) + notPassed(peers) + (recordings?.failed ?? 0);
const skipped =
  (tests?.numPendingTests ?? 0) + (tests?.numTodoTests ?? 0) + (recordings?.pending ?? 0);

// A test file that does not load counts no test of its own.
const incomplete = tests?.success === false || provesNothing(interop) || provesNothing(peers);
if (incomplete && failed === 0) failed += 1;
if (tests === undefined) console.log("npm test left no report: it failed before the first test");
if (interop === undefined) console.log("npm run interop left no report");
if (peers === undefined) console.log("npm run dapr-peers left no report");
if (recordings === undefined) console.log("the recordings left no report");
if (stepStatus !== "0" && failed === 0) failed = 1;

console.log(
  `tests: ${tests?.numPassedTests ?? 0} of ${tests?.numTotalTests ?? 0}; ` +
    `interop: ${interop?.numPassedTests ?? 0} of ${interop?.numTotalTests ?? 0}; ` +
    `dapr peers: ${peers?.numPassedTests ?? 0} of ${peers?.numTotalTests ?? 0}; ` +
    `recordings: ${recordings?.passed ?? 0} passed, ${recordings?.pending ?? 0} pending`,
);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;

/** A test with the software of others that did not run has not shown anything: a failure, no skip. */
function notPassed(report) {
  return report === undefined ? 0 : report.numTotalTests - report.numPassedTests;
}

function provesNothing(report) {
  return report === undefined || report.success === false || report.numTotalTests === 0;
}
