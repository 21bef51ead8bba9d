import { middlewareConformance } from "@outrigger/conformance/vitest";
import { middlewareFaultInjection } from "@outrigger/middleware-fault-injection";

middlewareConformance({
  name: "@outrigger/middleware-fault-injection",
  setup: () => {
    const create = middlewareFaultInjection({
      delay: { percentage: 100, durationMs: 1 },
      abort: { percentage: 100, httpStatus: 503 },
      headers: { "x-try": "faults" },
    });
    return {
      subject: {
        create,
        answering: { create, request: { headers: ["X-Try", "faults"] }, status: 503 },
        malformedOptions: [
          () => middlewareFaultInjection({ delay: { percentage: 101, durationMs: 1 } }),
          () => middlewareFaultInjection({ abort: { percentage: 1, httpStatus: 99 } }),
          () => middlewareFaultInjection({ headers: { "x try": "1" } }),
        ],
      },
    };
  },
});

middlewareConformance({
  name: "with a delay for everybody",
  setup: () => ({
    subject: {
      create: middlewareFaultInjection({ delay: { percentage: 100, durationMs: 1 } }),
    },
  }),
});
