#!/usr/bin/env node
// The sidecar under Dapr's name and flags. In the package but not linked by npm, so that it
// shadows no real Dapr.
import { startCli } from "./start.js";

await startCli("daprd");
