import { createRuntime, type Runtime } from "@outrigger/core";
import { resiliency } from "@outrigger/resiliency";
import { memoryNetwork, transportMemory } from "@outrigger/transport-memory";

/** Calls of `orders` take 2 s at most, are repeated on 429 and 5xx, and stop when it is down. */
export function startCheckout(): Promise<Runtime> {
  return createRuntime({
    appId: "checkout",
    transport: transportMemory({ network: memoryNetwork() }),
    resiliency: resiliency({
      timeouts: { short: 2_000 },
      retries: {
        patient: { policy: "exponential", maxRetries: 4, httpStatusCodes: "429,500-599" },
      },
      circuitBreakers: { careful: { trip: "consecutiveFailures >= 5", timeoutMs: 30_000 } },
      apps: { orders: { timeout: "short", retry: "patient", circuitBreaker: "careful" } },
    }),
  });
}
