import type {
  AppUnderTest,
  IngressUnderTest,
  InvocationPair,
  InvocationSubject,
} from "@outrigger/conformance";
import { transportGrpc } from "@outrigger/transport-grpc";
import { grpcApp, grpcIngress } from "./invocation-grpc.ts";
import { httpApp, httpIngress } from "./invocation-http.ts";

/** Every combination of APIs and apps. */
export const invocationPairs: readonly InvocationPair[] = [
  ...(["http-http", "http-grpc", "grpc-http", "grpc-grpc"] as const),
];

const ofOneSidecar = transportGrpc({ host: "127.0.0.1" });
const realTransport = { caller: ofOneSidecar, callee: ofOneSidecar };

/** A subject made of the real components, and how to release its apps. */
export function invocationSubject(
  pair: InvocationPair,
  transport: InvocationSubject["transport"] = realTransport,
): {
  readonly subject: InvocationSubject;
  teardown(): Promise<void>;
} {
  const cleanups: (() => unknown)[] = [];
  const onCleanup = (cleanup: () => unknown): void => void cleanups.push(cleanup);
  const ingress: IngressUnderTest = pair.startsWith("http-") ? httpIngress : grpcIngress;
  const app: AppUnderTest = pair.endsWith("-http") ? httpApp(onCleanup) : grpcApp(onCleanup);
  return {
    subject: { ingress, app, transport },
    teardown: async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    },
  };
}
