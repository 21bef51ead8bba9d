#!/usr/bin/env node
// The certificate authority under Dapr's name and flags. In the package but not linked by npm, as
// with daprd.
import { startCli } from "./start.js";

await startCli("sentry");
