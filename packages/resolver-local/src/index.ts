export {
  type ResolverLocalOptions,
  resolverLocal as resolver,
  resolverLocal,
} from "./resolver-local.ts";
