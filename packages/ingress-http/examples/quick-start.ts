import {
  type ComponentFactory,
  createRuntime,
  type Resolver,
  type Transport,
} from "@outrigger/core";
import { ingressHttp } from "@outrigger/ingress-http";

/** Runs a sidecar whose app calls others at `http://127.0.0.1:3500/v1.0/invoke/<app>/method/<method>`. */
export async function runSidecar(
  transport: ComponentFactory<Transport>,
  resolver: ComponentFactory<Resolver>,
): Promise<() => Promise<void>> {
  const runtime = await createRuntime({
    appId: "checkout",
    transport,
    resolver,
    ingresses: [ingressHttp({ hosts: ["127.0.0.1"], port: 3500 })],
  });
  return async () => {
    await runtime.stop();
  };
}
