import { resiliencyConformance } from "@outrigger/conformance/vitest";
import { subject } from "./conformance-subject.ts";

resiliencyConformance({ name: "@outrigger/resiliency", setup: () => ({ subject }) });
