export {
  type ResolverChainMember,
  type ResolverChainOptions,
  resolverChain,
} from "./resolver-chain.ts";
