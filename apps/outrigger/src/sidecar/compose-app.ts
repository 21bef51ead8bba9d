import { appChannelHttp } from "@outrigger/app-channel-http";
import type { Logger, RuntimeOptions } from "@outrigger/core";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";

/** The ways to the app: none without `--app-port`. */
export function composeApp(
  options: SidecarOptions,
  env: Environment,
  log: Logger,
): Pick<RuntimeOptions, "appChannel" | "appProxy"> {
  if (options.appPort === 0) {
    log.log("warn", "App channel is not initialized. Did you configure an app-port?");
    return {};
  }
  const { appProtocol } = options;
  const target = {
    host: options.appChannelAddress,
    port: options.appPort,
    maxConcurrency: options.appMaxConcurrency,
    ...(env.APP_API_TOKEN ? { appToken: env.APP_API_TOKEN } : {}),
  };
  if (appProtocol !== "http" && appProtocol !== "https") {
    log.log("error", `apps that speak ${appProtocol} are not part of this version`);
    return {};
  }
  return {
    appChannel: appChannelHttp({
      ...target,
      protocol: appProtocol,
      maxResponseHeaderBytes: options.maxHeaderBytes,
    }),
  };
}
