export { consulOptionsFromDapr } from "./dapr-configuration.ts";
export type {
  ConsulClientOptions,
  ConsulQueryOptions,
  ConsulTlsOptions,
  ResolverConsulOptions,
} from "./options.ts";
export type { ConsulCheck, ConsulRegistration } from "./registration.ts";
export { resolverConsul, resolverConsul as resolver } from "./resolver-consul.ts";
