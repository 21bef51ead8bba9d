export { type ResolverMdnsOptions, resolverMdns } from "./resolver-mdns.ts";
