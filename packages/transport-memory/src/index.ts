export { type MemoryNetwork, memoryNetwork } from "./network.ts";
export { type TransportMemoryOptions, transportMemory } from "./transport.ts";
