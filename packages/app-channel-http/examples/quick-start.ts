import { appChannelHttp } from "@outrigger/app-channel-http";
import type { AppChannel, ComponentFactory } from "@outrigger/core";

/** The app listens on port 3000 and gets at most 64 calls at a time. */
export const appChannel: ComponentFactory<AppChannel> = appChannelHttp({
  port: 3_000,
  maxConcurrency: 64,
});
