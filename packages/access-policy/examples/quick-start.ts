import { accessPolicy } from "@outrigger/access-policy";
import { createRuntime, type Runtime } from "@outrigger/core";
import { memoryNetwork, transportMemory } from "@outrigger/transport-memory";

/** Only `checkout` may place orders; everything else is denied. */
export function startOrders(): Promise<Runtime> {
  return createRuntime({
    appId: "orders",
    transport: transportMemory({ network: memoryNetwork() }),
    accessPolicy: accessPolicy({
      defaultAction: "deny",
      policies: [
        {
          appId: "checkout",
          namespace: "default",
          trustDomain: "public",
          operations: [{ name: "/orders/*", httpVerb: ["POST"], action: "allow" }],
        },
      ],
    }),
  });
}
