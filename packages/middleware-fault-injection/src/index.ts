export {
  faultInjectionOptionsFromMetadata,
  faultInjectionOptionsFromMetadata as optionsFromMetadata,
} from "./metadata.ts";
export {
  middlewareFaultInjection,
  middlewareFaultInjection as middleware,
} from "./middleware-fault-injection.ts";
export type { AbortFault, DelayFault, MiddlewareFaultInjectionOptions } from "./options.ts";
