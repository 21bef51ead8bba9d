export { appChannelHttp } from "./app-channel-http.ts";
export type { RequestListener } from "./measured-exchange.ts";
export type { AppChannelHttpOptions } from "./options.ts";
