export type { RpcListener } from "./call-end.ts";
export { ingressGrpc } from "./ingress-grpc.ts";
export type { ApiCallRecord, IngressGrpcOptions } from "./options.ts";
