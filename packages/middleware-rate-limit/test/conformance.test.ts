import { middlewareConformance } from "@outrigger/conformance/vitest";
import { middlewareRateLimit } from "@outrigger/middleware-rate-limit";

middlewareConformance({
  name: "@outrigger/middleware-rate-limit",
  setup: () => ({
    subject: {
      create: middlewareRateLimit({ maxRequestsPerSecond: 100_000 }),
      answering: {
        // One request is allowed, and it has been.
        create: async (context) => {
          const options = { maxRequestsPerSecond: 0.001 };
          const component = middlewareRateLimit(options)({ ...context, now: () => 0 });
          const { signal } = new AbortController();
          const fields = { method: "POST", path: "/orders", query: "", headers: [], bodyLength: 0 };
          await component.handle({ ...fields, body: new Uint8Array(0), signal }, async () => ({
            status: 200,
            headers: [],
            body: new Uint8Array(0),
          }));
          return component;
        },
        status: 429,
      },
      malformedOptions: [
        () => middlewareRateLimit({ maxRequestsPerSecond: 0 }),
        () => middlewareRateLimit({ maxClients: 1.5 }),
      ],
    },
  }),
});
