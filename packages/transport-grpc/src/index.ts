export type { TransportGrpcOptions } from "./options.ts";
export { transportGrpc } from "./transport.ts";
