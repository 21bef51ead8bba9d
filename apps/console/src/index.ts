export { isLoopback, type RunningConsole, startConsole } from "./console.ts";
export type { ConsoleEnvironment } from "./local-sidecars.ts";
export type { ConsoleOptions } from "./options.ts";
