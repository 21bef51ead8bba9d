import { invocationConformance } from "@outrigger/conformance/vitest";
import { invocationPairs, invocationSubject } from "./invocation-subject.ts";

for (const pair of invocationPairs) {
  invocationConformance({ name: pair, setup: () => invocationSubject(pair) });
}
