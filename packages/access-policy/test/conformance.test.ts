import { accessPolicy } from "@outrigger/access-policy";
import { testContext } from "@outrigger/conformance";
import { accessConformance } from "@outrigger/conformance/vitest";

accessConformance({
  name: "@outrigger/access-policy",
  setup: () => ({ subject: { make: (rules) => accessPolicy(rules)(testContext()) } }),
});
