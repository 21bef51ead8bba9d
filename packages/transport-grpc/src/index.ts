export type { UnaryListener } from "./callee.ts";
export type { TransportGrpcOptions } from "./options.ts";
export { transportGrpc } from "./transport.ts";
