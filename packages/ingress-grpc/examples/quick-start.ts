import type { IngressFactory } from "@outrigger/core";
import { ingressGrpc } from "@outrigger/ingress-grpc";

/** Goes into the `ingresses` of `createRuntime`. */
export const ingress: IngressFactory = ingressGrpc({ hosts: ["127.0.0.1"], port: 50_001 });
