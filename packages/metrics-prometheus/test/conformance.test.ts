import { metricsConformance } from "@outrigger/conformance/vitest";
import { subject } from "./conformance-subject.ts";

metricsConformance({ name: "@outrigger/metrics-prometheus", setup: () => ({ subject }) });
