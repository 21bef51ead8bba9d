import {
  type ComponentContext,
  type ComponentFactory,
  type OutriggerError,
  type ProxyCall,
  type ProxyChannel,
  type ProxyResponse,
  rpcError,
} from "@outrigger/core";
import { callProxy, type GrpcClient, type GrpcStatus } from "@outrigger/grpc-http2";
import { createAppClient, withAppToken, withoutToken } from "./app-client.ts";
import {
  type AppConnectionSettings,
  type AppProxyGrpcOptions,
  parseProxyOptions,
} from "./options.ts";

/** Carries proxied calls to the local app, whatever its protocol is said to be. */
export function appProxyGrpc(options: AppProxyGrpcOptions): ComponentFactory<ProxyChannel> {
  const settings = parseProxyOptions(options);
  return (context) => new GrpcAppProxy(settings, context);
}

class GrpcAppProxy implements ProxyChannel {
  readonly name = "app-proxy-grpc";
  readonly #appToken: string;
  readonly #client: GrpcClient;

  constructor(settings: AppConnectionSettings, context: ComponentContext) {
    this.#appToken = settings.appToken ?? "";
    this.#client = createAppClient(settings, context.now);
  }

  proxy(call: ProxyCall): Promise<ProxyResponse> {
    const headers =
      this.#appToken === ""
        ? withoutToken(call.metadata)
        : withAppToken(call.metadata, this.#appToken);
    return callProxy(this.#client, call, headers, toError);
  }

  async stop(): Promise<void> {
    this.#client.close();
  }
}

function toError(status: GrpcStatus): OutriggerError {
  const { code, message, origin, cause } = status;
  const rpc = { code, message };
  const options = cause === undefined ? {} : { cause };
  switch (origin) {
    case "abort":
      return rpcError("OTR_ABORTED", rpc, options);
    case "deadline":
      return rpcError("OTR_TIMEOUT", rpc, options);
    case "connection":
      return rpcError("OTR_APP_UNREACHABLE", rpc, options);
    default:
      return rpcError("OTR_APP_FAILED", rpc, options);
  }
}
