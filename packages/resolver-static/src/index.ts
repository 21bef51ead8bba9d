export {
  type ResolverStaticOptions,
  resolverStatic,
  type StaticEndpoint,
} from "./resolver-static.ts";
