import { loggerConformance } from "@outrigger/conformance/vitest";
import { subject } from "./conformance-subject.ts";

loggerConformance({ name: "@outrigger/logging", setup: () => ({ subject }) });
