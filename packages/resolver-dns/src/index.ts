export { nameFormatOptionsFromDapr } from "./dapr-options.ts";
export type { ResolverDnsOptions } from "./options.ts";
export { resolverDns, resolverDns as resolver } from "./resolver-dns.ts";
