import { appChannelGrpc, appProxyGrpc } from "@outrigger/app-channel-grpc";
import type { RuntimeOptions } from "@outrigger/core";

/** The two ways to a gRPC app on port 9000, for the options of `createRuntime`. */
export const app: Pick<RuntimeOptions, "appChannel" | "appProxy"> = {
  appChannel: appChannelGrpc({ port: 9_000, maxConcurrency: 100 }),
  appProxy: appProxyGrpc({ port: 9_000 }),
};
