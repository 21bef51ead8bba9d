export { appChannelHttp } from "./app-channel-http.ts";
export type { AppChannelHttpOptions } from "./options.ts";
