export { appChannelGrpc } from "./app-channel-grpc.ts";
export { appProxyGrpc } from "./app-proxy-grpc.ts";
export type { AppChannelGrpcOptions, AppProxyGrpcOptions, AppRpcListener } from "./options.ts";
