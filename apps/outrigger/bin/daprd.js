#!/usr/bin/env node
// The sidecar under Dapr's name and flags. In the package but not linked by npm, so that it
// shadows no real Dapr.
import { writeFileSync } from "node:fs";
import { startCli } from "./start.js";

// `dapr list`, `stop` and `invoke` look for processes of this name and read their command line.
// `process.title` would set the one and overwrite the other.
if (process.platform === "linux") {
  try {
    writeFileSync("/proc/self/comm", "daprd");
  } catch {
    // Without a writable /proc the sidecar is not listed, and runs all the same.
  }
}

await startCli("daprd");
